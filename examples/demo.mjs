/**
 * Trains an SE-ResNet on the real Fashion-MNIST, then the same network without squeeze-and-excitation, and writes a
 * page with curves, confusion matrix and predictions.
 *
 *   npm run demo -- [--epochs 2] [--data FOLDER] [--out FOLDER] [--seed 1] [--quick]
 */
import { parseArgs } from 'node:util';
import { createModel, fashionMnist, fashionMnistClasses, progress, schedules, sgd } from '../dist/index.js';
import { writeReport } from './report/page.mjs';

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

const stop = new AbortController();
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('stopped by Ctrl-C'));
});

const percent = (share) => `${(100 * share).toFixed(2)} %`;

/** Trains one network and keeps what the page shows of it. */
async function train(name, data) {
  const model = createModel(name, { input: [28, 28, 1], classes: 10, seed: Number(options.seed) });
  await model.compile({
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
    schedule: schedules.cosine({ lr: 0.1, warmupEpochs: 0.1 }),
  });
  console.log(`\n${name}: ${model.summary().parameters.toLocaleString('en')} parameters`);
  const losses = [];
  let started = 0;
  let stepMs = 0;
  const watch = {
    onEpochBegin() {
      started = performance.now();
    },
    onStepEnd({ loss }) {
      losses.push(loss);
      stepMs = (performance.now() - started) / losses.length;
    },
  };
  const history = await model.fit(data.train, {
    epochs: Number(options.epochs),
    batchSize: 64,
    signal: stop.signal,
    callbacks: [progress(), watch],
  });
  const result = await model.evaluate(data.test, { batchSize: 100, signal: stop.signal });
  console.log(`${name}: ${percent(result.top1)} of the test images right, ${stepMs.toFixed(1)} ms a step`);
  return {
    name,
    model,
    losses,
    stepMs,
    result,
    seconds: history.epochs.reduce((sum, e) => sum + e.seconds, 0),
  };
}

/** Class probabilities of all test images. */
async function predictAll(model, test) {
  const probabilities = [];
  const labels = [];
  for (const batch of test.batches({ batchSize: 100 })) {
    probabilities.push(...(await model.predict(batch.images, { batchSize: 100, signal: stop.signal })));
    labels.push(...batch.labels);
  }
  return labels.map((label, i) => {
    const row = probabilities.slice(10 * i, 10 * i + 10);
    const guess = row.indexOf(Math.max(...row));
    return { index: i, label, guess, probability: row[guess] };
  });
}

try {
  const all = await fashionMnist(options.data === undefined ? {} : { directory: options.data });
  const data = options.quick ? { train: all.train.take(640), test: all.test.take(200) } : all;
  console.log(`Fashion-MNIST: ${data.train.size} training images, ${data.test.size} test images`);

  const se = await train('se_resnet14', data);
  const plain = await train('resnet14', data);

  console.log('\n              test top-1    ms/step');
  for (const { name, result, stepMs } of [se, plain]) {
    console.log(`${name.padEnd(12)}  ${percent(result.top1).padStart(10)}  ${stepMs.toFixed(1).padStart(9)}`);
  }
  const cost = se.stepMs / plain.stepMs;
  console.log(
    `Squeeze-and-excitation: ${cost.toFixed(3)} times the time of a step (one run, one after the other)\n`,
  );

  const predictions = await predictAll(se.model, data.test);
  for (const { label, guess, probability } of predictions.slice(0, 10)) {
    const verdict = guess === label ? 'right' : `wrong, it is ${fashionMnistClasses[label]}`;
    console.log(`${fashionMnistClasses[guess].padEnd(12)} ${percent(probability).padStart(8)}  ${verdict}`);
  }
  const file = await writeReport(options.out, {
    se,
    plain,
    predictions,
    test: data.test,
    classes: fashionMnistClasses,
  });
  console.log(`\nReport: ${file}`);
  se.model.dispose();
  plain.model.dispose();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode ||= 1;
}
