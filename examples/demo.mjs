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

/** A network ready to be trained. */
async function newModel(name) {
  const model = createModel(name, { input: [28, 28, 1], classes: 10, seed: Number(options.seed) });
  await model.compile({
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
    schedule: schedules.cosine({ lr: 0.1, warmupEpochs: 0.1 }),
  });
  return model;
}

/** Trains one network and keeps what the page shows of it. */
async function train(name, data) {
  const model = await newModel(name);
  console.log(`\n${name}: ${model.summary().parameters.toLocaleString('en')} parameters`);
  const losses = [];
  const watch = { onStepEnd: ({ loss }) => losses.push(loss) };
  const history = await model.fit(data.train, {
    epochs: Number(options.epochs),
    batchSize: 64,
    signal: stop.signal,
    callbacks: [progress(), watch],
  });
  const result = await model.evaluate(data.test, { batchSize: 100, signal: stop.signal });
  const seconds = history.epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  console.log(`${name}: ${percent(result.top1)} of the test images right`);
  return { name, model, losses, result, seconds };
}

/**
 * Milliseconds of a training step of each network, the median of many. The networks take turns, since the speed of a
 * machine that others share changes from minute to minute.
 */
async function timeSteps(names, data, rounds) {
  const [batch] = data.train.batches({ batchSize: 64 });
  const models = await Promise.all(names.map((name) => newModel(name)));
  const times = names.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, model] of models.entries()) {
      for (let step = 0; step < 4; step += 1) {
        stop.signal.throwIfAborted();
        const start = performance.now();
        await model.trainBatch(batch, { lr: 0.01 });
        // The first step of a turn finds the caches full of the other network.
        if (step > 0) times[i].push(performance.now() - start);
      }
    }
  }
  for (const model of models) model.dispose();
  return times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]);
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

  const [seMs, plainMs] = await timeSteps([se.name, plain.name], data, options.quick ? 2 : 20);
  console.log('\n              test top-1    ms/step');
  for (const [{ name, result }, ms] of [
    [se, seMs],
    [plain, plainMs],
  ]) {
    console.log(`${name.padEnd(12)}  ${percent(result.top1).padStart(10)}  ${ms.toFixed(1).padStart(9)}`);
  }
  console.log(`Squeeze-and-excitation: ${(seMs / plainMs).toFixed(3)} times the time of a step\n`);

  const predictions = await predictAll(se.model, data.test);
  for (const { label, guess, probability } of predictions.slice(0, 10)) {
    const verdict = guess === label ? 'right' : `wrong, it is ${fashionMnistClasses[label]}`;
    console.log(`${fashionMnistClasses[guess].padEnd(12)} ${percent(probability).padStart(8)}  ${verdict}`);
  }
  const file = await writeReport(options.out, {
    se: { ...se, stepMs: seMs },
    plain: { ...plain, stepMs: plainMs },
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
