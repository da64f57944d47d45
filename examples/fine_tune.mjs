/**
 * Trains a network of the zoo on a folder of images, one sub-folder for each class, from weights of other classes
 * if there are some, and says what it makes of the images kept for validation.
 *
 *   node examples/fine_tune.mjs FOLDER [--weights se_resnet50.pth] [--out fine_tuned.safetensors]
 *     [--model se_resnet50] [--size 224] [--epochs 5] [--batch 16] [--lr 0.01] [--seed 1]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  createModel,
  imageFolder,
  isSenetError,
  preprocessings,
  progress,
  schedules,
  sgd,
} from '../dist/index.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string' },
    out: { type: 'string', default: 'fine_tuned.safetensors' },
    model: { type: 'string', default: 'se_resnet50' },
    size: { type: 'string', default: '224' },
    epochs: { type: 'string', default: '5' },
    batch: { type: 'string', default: '16' },
    lr: { type: 'string', default: '0.01' },
    seed: { type: 'string', default: '1' },
  },
});

async function fineTune(folder) {
  const size = Number(options.size);
  const seed = Number(options.seed);
  const input = [size, size, 3];
  // Reading the folder decodes nothing: the first time says how many classes there are.
  const { classes } = await imageFolder(folder, { preprocessing: preprocessings.imagenet });
  const model = createModel(options.model, { input, classes: classes.length, seed });
  if (options.weights !== undefined) {
    // All but the classifier, which keeps its initial values.
    const { kept } = await model.load(options.weights, { classifier: 'keep' });
    console.log(`loaded ${options.weights}; new: ${kept.join(', ') || 'nothing'}`);
  }
  // The images are prepared as those that the weights were trained with.
  const { train, validation } = await imageFolder(folder, { preprocessing: model.preprocessing, seed });
  console.log(`${train.size} images to train, ${validation?.size ?? 0} to validate: ${classes.join(', ')}`);
  await model.compile({
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
    // A small rate moves what was loaded gently.
    schedule: schedules.cosine({ lr: Number(options.lr), warmupEpochs: 0.5 }),
  });
  const data = train.augmented({ flip: true, randomResizedCrop: { scale: [0.25, 1] } });
  await model.fit(data, {
    epochs: Number(options.epochs),
    batchSize: Number(options.batch),
    callbacks: [progress()],
    // Ctrl-C saves where the run is; the same command goes on there, another --out begins anew.
    checkpoints: { directory: `${options.out}.checkpoints` },
    resume: 'auto',
    handleSignals: true,
    ...(validation && { validation }),
  });
  if (validation !== undefined) {
    const { top1, samples } = await model.evaluate(validation, { batchSize: Number(options.batch) });
    console.log(`validation: ${(100 * top1).toFixed(1)} % of ${samples} images are right`);
  }
  await model.save(options.out);
  await writeFile(`${options.out}.names.txt`, `${classes.join('\n')}\n`);
  console.log(`npx senet predict IMAGE --model ${options.model} --input ${input.join('x')} \\
  --classes ${classes.length} --weights ${options.out} --names ${options.out}.names.txt`);
  model.dispose();
}

if (positionals.length !== 1) {
  console.error('fine_tune: expected one folder that has a sub-folder of images for each class');
  process.exitCode = 2;
} else {
  await fineTune(positionals[0]).catch((error) => {
    console.error(isSenetError(error) ? `${error.code}: ${error.message}` : error.message);
    process.exitCode = 1;
  });
}
