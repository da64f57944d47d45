// What a process holds at most, as Linux counts resident memory: runtime, library, weights and all.
import { lookAtEach, worksOf } from './alone.mjs';

const ITERATIONS = 4;
const can = ({ runtime }) => (runtime === 'browser' ? 'has the memory of a browser' : undefined);

export async function measureMemory(session) {
  for (const work of worksOf(session.options.quick))
    await lookAtEach(
      session,
      { suite: 'memory', name: 'peak memory', unit: 'bytes', work, can },
      async (process) => {
        for (let i = 0; i < ITERATIONS; i += 1) await process.ask('run');
        return process.peakBytes();
      },
      ([value]) => ({ value }),
    );
}
