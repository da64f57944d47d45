import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Two files run at a time, each on all cores: threads that wait have to let go of theirs soon, or most of the
// time is spent on waiting. Read by the OpenMP runtime of the test processes.
process.env['GOMP_SPINCOUNT'] ??= '1000';
// Plans for the simulated GPU do not belong into the user's cache.
process.env['XDG_CACHE_HOME'] = fileURLToPath(new URL('build/cache', import.meta.url));

/** Files that take minutes, the longest first, so that none of them is left to run alone at the end. */
const longest = [
  'test/sanitize/sanitize.test.ts',
  'test/cuda/build_gate.test.ts',
  'test/cuda/kernels/kernels.test.ts',
  'test/scripts/gpu_check.test.ts',
  'test/process/process.test.ts',
  'test/models/every_model.test.ts',
  'test/cuda_sim/simulator.test.ts',
  'test/onnx/export.test.ts',
  'test/cuda/traffic.test.ts',
  'test/cuda/planner/planner.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex((name) => moduleId.endsWith(name));
      return index < 0 ? longest.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/cuda_sim.ts'],
    // Programs use all cores; two files at a time keep the suite quick without starving either.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
