/**
 * Trains an SE-ResNet on the real Fashion-MNIST, then the same network without squeeze-and-excitation. Both can be watched
 * in a browser meanwhile, go on where they were when they are interrupted, and leave a page each.
 *
 *   npm run demo -- [--epochs 2] [--data FOLDER] [--out FOLDER] [--seed 1] [--quick]
 */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  floatImages,
  listRuns,
  livePage,
  prepareRun,
  progress,
  runsPage,
  topK,
  trainRun,
} from '../dist/index.js';

const { values: options } = parseArgs({
  options: {
    epochs: { type: 'string', default: '2' },
    data: { type: 'string' },
    out: { type: 'string', default: 'demo-report' },
    seed: { type: 'string', default: '1' },
    /** A few hundred images, to try that everything runs. */
    quick: { type: 'boolean', default: false },
  },
});

const percent = (share) => `${(100 * share).toFixed(2)} %`;

/** Data, model and how it is trained, as a configuration that could as well stand in a file. */
const prepare = (model) =>
  prepareRun({
    recipe: 'fashion-mnist',
    model,
    epochs: Number(options.epochs),
    batchSize: 64,
    seed: Number(options.seed),
    data: {
      kind: 'fashion-mnist',
      ...(options.data !== undefined && { directory: options.data }),
      ...(options.quick && { limit: 800, validation: 0.2 }),
    },
  });

/** Trains one network in a folder of its own. */
async function train(name) {
  const run = await prepare(name);
  const directory = join(options.out, name);
  const page = await livePage(run, { directory });
  console.log(`\n${name}: ${run.model.summary().parameters.toLocaleString('en')} parameters`);
  console.log(`To be watched at ${page.url}`);
  const { epochs } = await trainRun(run, directory, { callbacks: [progress(), page], handleSignals: true });
  const { top1 } = epochs.at(-1).validation;
  console.log(`${name}: ${percent(top1)} of the validation images right`);
  return { ...run, name, top1, report: resolve(directory, 'report.html') };
}

/**
 * Milliseconds of a training step of each network, the median of many. The networks take turns, since the speed of a
 * machine that others share changes from minute to minute.
 */
async function timeSteps(runs, rounds) {
  const times = runs.map(() => []);
  const batches = await Promise.all(runs.map(({ train: data }) => firstBatch(data)));
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, { model }] of runs.entries()) {
      for (let step = 0; step < 4; step += 1) {
        const start = performance.now();
        await model.trainBatch(batches[i], { lr: 0 });
        // The first step of a turn finds the caches full of the other network.
        if (step > 0) times[i].push(performance.now() - start);
      }
    }
  }
  return times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]);
}

async function firstBatch(data) {
  for await (const batch of data.batches({ batchSize: 64 })) return batch;
}

try {
  const se = await train('se_resnet14');
  const plain = await train('resnet14');

  // What the network makes of the first images it was not trained on.
  const batch = await firstBatch(se.validation);
  const probabilities = await se.model.predict(floatImages(batch));
  console.log();
  for (let n = 0; n < 10; n += 1) {
    const [guess] = topK(probabilities.subarray(10 * n, 10 * n + 10), 1, se.classes);
    const verdict = guess.index === batch.labels[n] ? 'right' : `wrong, it is ${se.classes[batch.labels[n]]}`;
    console.log(`${guess.name.padEnd(12)} ${percent(guess.probability).padStart(8)}  ${verdict}`);
  }

  const milliseconds = await timeSteps([se, plain], options.quick ? 2 : 20);
  console.log('\n              validation top-1    ms/step');
  for (const [i, { name, top1 }] of [se, plain].entries())
    console.log(
      `${name.padEnd(12)}  ${percent(top1).padStart(16)}  ${milliseconds[i].toFixed(1).padStart(9)}`,
    );
  const cost = milliseconds[0] / milliseconds[1];
  console.log(`Squeeze-and-excitation: ${cost.toFixed(3)} times the time of a step\n`);

  const overview = resolve(options.out, 'runs.html');
  await writeFile(overview, runsPage(await listRuns(options.out)));
  console.log(`Reports:\n  ${se.report}\n  ${plain.report}\n  ${overview}`);
  se.model.dispose();
  plain.model.dispose();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode ||= 1;
}
