// senet as a contender of the benchmarks, with the protocol of bench/peers/pytorch.py: it prints a "ready" line, then
// does one timed iteration for each line "run" and prints {"ms": number}, until "exit" or the end of the input.
//
//   node senet.mjs --model se_resnet50 --mode train --batch 16 --size 224 --threads 2

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createModel, schedules, sgd } from '../../dist/index.js';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'se_resnet50' },
    mode: { type: 'string', default: 'infer' },
    batch: { type: 'string', default: '1' },
    size: { type: 'string', default: '224' },
    threads: { type: 'string', default: '2' },
    layout: { type: 'string', default: 'auto' },
    'stride-in': { type: 'string' },
    warmup: { type: 'string', default: '3' },
  },
});
const [batch, size, threads] = [options.batch, options.size, options.threads].map(Number);

const strideIn = options['stride-in'];
const model = createModel(options.model, { input: [size, size, 3], ...(strideIn && { strideIn }) });

let state = 1;
const images = Float32Array.from({ length: batch * size * size * 3 }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state / 2 ** 32 - 0.5) * 3.4;
});
const labels = Int32Array.from({ length: batch }, (_, i) => (i * 7) % model.classes);

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const training = options.mode === 'train';
await model.compile({
  threads,
  layout: options.layout,
  ...(training && {
    optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
    schedule: schedules.constant({ lr: 0.01 }),
  }),
});
const iteration = training
  ? () => model.trainBatch({ images, labels, size: batch }, { lr: 0.01 })
  : () => model.predict(images, { batchSize: batch });

// The first iteration compiles the program.
const firstMs = await timed(iteration);
for (let i = 1; i < Number(options.warmup); i += 1) await timed(iteration);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
say({ ready: true, contender: `senet-${options.model}`, firstMs });

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === 'run') {
    say({ ms: await timed(iteration) });
  } else if (line.trim() === 'stats') {
    // Milliseconds the loop was late, beyond the timer's own 5 ms; bytes the process holds at most.
    say({
      eventLoopP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 5),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    });
  } else if (line.trim() === 'exit') break;
}
process.exit(0);
