// What a process holds at most, as Linux counts resident memory: runtime, library, weights and all.
import { lookAtEach, worksOf } from './alone.mjs';

const ITERATIONS = 4;

export async function measureMemory(session) {
  for (const work of worksOf(session.options.quick))
    await lookAtEach(
      session,
      { suite: 'memory', name: 'peak memory', unit: 'bytes', work },
      async (process) => {
        for (let i = 0; i < ITERATIONS; i += 1) await process.ask('run');
        return process.peakBytes();
      },
      ([value]) => ({ value }),
    );
}
