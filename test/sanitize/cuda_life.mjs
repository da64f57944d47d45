/**
 * What the tests of faults on the simulated GPU share: the life of a small network, and orders to the device. Run with
 * SENET_ADDON naming a build with fault injection and SENET_CUDA_LIBRARY the backend's library.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  basicBlock,
  conv2d,
  defineModel,
  globalAvgPool,
  isSenetError,
  linear,
  liveNativeObjects,
  Model,
  maxPool,
  normTail,
  schedules,
  sgd,
} from '../../dist/index.js';

const addon = createRequire(import.meta.url)(process.env.SENET_ADDON);

/** Calls a function of native/backends/cuda_sim/control.h or cudnn/control.h. */
export const sim = (name, ...args) => addon.callLibrary(process.env.SENET_CUDA_LIBRARY, name, ...args);

const definition = defineModel({ input: [4, 4, 3], name: 'tiny' }, (images) => {
  const stem = maxPool(normTail(conv2d(images, { filters: 4, kernel: 3, bias: false })), { kernel: 2 });
  const block = basicBlock(stem, { filters: 8, stride: 2, se: { reduction: 4 } });
  return linear(globalAvgPool(block), { units: 3 });
});
const SIZE = 2;
const images = (shift) => Float32Array.from({ length: SIZE * 48 }, (_, i) => Math.sin(i * 0.37 + shift));
const batch = (shift) => ({ images: images(shift), labels: Int32Array.of(0, 2), size: SIZE });

export const newModel = () => new Model(definition, { seed: 1 });
export const open = (model, options = {}) =>
  model.compile({
    device: 'cuda',
    optimizer: sgd({ momentum: 0.9 }),
    schedule: schedules.constant({ lr: 0.1 }),
    ...options,
  });
export const step = async (model, shift) => (await model.trainBatch(batch(shift), { lr: 0.1 })).loss;
export const predict = (model) => model.predict(images(0));

/** Three steps: the first queues its work, the second captures it as a graph, the third launches that. */
export const STEPS = 3;

/** Losses of a new model on a new device. */
export async function train(steps = STEPS) {
  const model = newModel();
  try {
    await open(model);
    const losses = [];
    for (let i = 0; i < steps; i += 1) losses.push(await step(model, i));
    return losses;
  } finally {
    model.dispose();
  }
}

/** 1, 2, 3, ..., soon in larger steps: each is the one before times `factor`, or at least one more. */
export function* growing(factor) {
  for (let n = 1; ; n = Math.max(n + 1, Math.floor(n * factor))) yield n;
}

/** The error, if it is one of senet's that says something. */
export function checked(error) {
  if (isSenetError(error) && error.message.length > 20) return error;
  throw new Error('not an error of senet', { cause: error });
}

export function expectSame(losses, expected, when) {
  const same = losses.every((loss, i) => loss === expected[i]);
  if (!same) throw new Error(`${when}: losses ${losses}, expected ${expected}`);
}

/** Waits until all that was disposed is gone from this process and from the device. */
export async function expectNothingLeft(when) {
  const left = () =>
    [liveNativeObjects(), sim('sim_live_count'), sim('sim_cudnn_live')].map((count) => Number(count));
  for (let i = 0; i < 400 && left().some((count) => count > 0); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const [handles, objects, descriptors] = left();
  if (handles + objects + descriptors === 0) return;
  throw new Error(`${when}: ${handles} handles, ${objects} CUDA objects, ${descriptors} of cuDNN are left`);
}

/** Runs something with an empty folder for cuDNN's plans, so that all are made anew. */
export async function withoutPlans(action) {
  const folder = mkdtempSync(join(tmpdir(), 'senet-plans-'));
  process.env.XDG_CACHE_HOME = folder;
  try {
    return await action();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
