import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Two files run at a time, each on all cores: threads that wait have to let go of theirs soon, or most of the
// time is spent on waiting. Read by the OpenMP runtime of the test processes.
process.env['GOMP_SPINCOUNT'] ??= '1000';
// Plans for the simulated GPU do not belong into the user's cache.
process.env['XDG_CACHE_HOME'] = fileURLToPath(new URL('build/cache', import.meta.url));

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/cuda_sim.ts'],
    // Programs use all cores; two files at a time keep the suite quick without starving either.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
