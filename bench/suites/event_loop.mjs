// How late timers fire while a process computes, beyond their own period. A loop that waits for the computation is late by
// all of it. Of contenders in Node alone.
import { isSlow } from '../harness.mjs';
import { lookAtEach, worksOf } from './alone.mjs';

export async function measureEventLoop(session) {
  const { quick } = session.options;
  const can = ({ runtime }) => (runtime === 'node' ? undefined : 'has no event loop');
  for (const work of worksOf(quick))
    await lookAtEach(
      session,
      { suite: 'event-loop', name: 'event-loop delay', unit: 'ms', work, can },
      async (process) => {
        const iterations = quick ? 2 : work.mode === 'train' ? 5 : 50;
        await process.ask('reset');
        for (let i = 0; i < iterations && (i === 0 || !isSlow(process)); i += 1) await process.ask('run');
        return process.ask('stats');
      },
      ([{ eventLoopP99Ms, eventLoopMaxMs }]) => ({ value: eventLoopP99Ms, high: eventLoopMaxMs }),
    );
}
