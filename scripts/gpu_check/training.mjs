/** Whole models on the GPU: the same numbers as on the CPU, the same bits each time, and a fault that changes nothing. */
import { built, largest } from './built.mjs';

const {
  add,
  bottleneck,
  conv2d,
  createModel,
  crossEntropy,
  defineModel,
  globalAvgPool,
  linear,
  Model,
  normTail,
  sgd,
} = await built('lib/index.js');
const { Random } = await built('test/helpers/random.js');

const SIZE = 8;
const BATCH = 4;
const labels = Int32Array.from([1, 4, 7, 2]);
function images(seed) {
  const random = new Random(seed);
  return Float32Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => random.normal());
}

async function open(device, options = {}) {
  const { name = 'se_resnet20', ...rest } = options;
  const model = createModel(name, { input: [SIZE, SIZE, 3], classes: 10, seed: 3, dropout: 0.1 });
  await model.compile({
    device,
    ...rest,
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 1e-3 }),
    loss: crossEntropy({ labelSmoothing: 0.1 }),
  });
  return model;
}

/** Losses of some steps, then probabilities and weights. */
async function train(device, options, steps) {
  const model = await open(device, options);
  const losses = [];
  for (let step = 0; step < steps; step += 1) {
    // Seeds for which no input of a ReLU lies so near zero that the last bit of a sum decides its sign.
    const batch = { images: images(10 + step), labels, size: BATCH };
    losses.push((await model.trainBatch(batch, { lr: 0.05 })).loss);
  }
  const probabilities = await model.predict(images(99), { batchSize: BATCH });
  const state = await model.stateDict();
  model.dispose();
  return { losses, probabilities, state };
}

/** A measured difference and the most it may be. */
const within = (check, difference, allowed) => ({
  check,
  difference,
  allowed,
  passed: difference <= allowed,
});

/** Four steps on the GPU and on the CPU; the tolerances grow with the bits that a precision drops. */
async function agrees(precision, allowed) {
  const expected = await train('cpu', {}, 4);
  const actual = await train('cuda', { precision }, 4);
  const losses = expected.losses.map((loss, i) => Math.abs(actual.losses[i] - loss) / loss);
  return [
    within(`se_resnet20, four steps in ${precision}: loss`, Math.max(...losses), allowed),
    within(
      `se_resnet20, four steps in ${precision}: probabilities`,
      largest(expected.probabilities, actual.probabilities),
      allowed,
    ),
  ];
}

async function repeats() {
  const [a, b] = [await train('cuda', {}, 3), await train('cuda', {}, 3)];
  const differences = [...a.state].map(([name, { data }]) => largest(data, b.state.get(name).data));
  return [within('the same weights after three steps, twice', Math.max(...differences), 0)];
}

/** One batch over and over is learned by heart. */
async function learns() {
  const model = await open('cuda', { precision: 'bfloat16' });
  const batch = { images: images(1), labels, size: BATCH };
  const losses = [];
  for (let step = 0; step < 20; step += 1) losses.push((await model.trainBatch(batch, { lr: 0.05 })).loss);
  model.dispose();
  return [
    within('loss after 20 steps on one batch in bfloat16, of the first', losses.at(-1) / losses[0], 0.7),
  ];
}

async function predicts() {
  const [cpu, gpu] = [
    await open('cpu', { name: 'se_resnet50' }),
    await open('cuda', { name: 'se_resnet50' }),
  ];
  const [expected, actual] = [await cpu.predict(images(5)), await gpu.predict(images(5))];
  cpu.dispose();
  gpu.dispose();
  return [within('se_resnet50 in float32: probabilities', largest(expected, actual), 1e-5)];
}

/** A norm before a convolution with padding, then a squeeze and a gate: what convolutions may take along. */
const taking = defineModel({ input: [SIZE, SIZE, 3], name: 'taking' }, (input) => {
  const stem = conv2d(input, { filters: 64, kernel: 3 });
  // Read twice, the stem cannot take the norm itself.
  const ahead = add(stem, conv2d(normTail(stem), { filters: 64, kernel: 3 }));
  return linear(globalAvgPool(bottleneck(ahead, { filters: 256, se: { reduction: 16 } })), { units: 10 });
});

async function predictTaking(device, options) {
  const model = new Model(taking, { seed: 3 });
  // Zeros around a map must stay zeros: a norm with a shift makes the difference.
  const random = new Random('taking');
  const state = await model.stateDict();
  for (const [name, { shape, data }] of state) {
    if (shape.length === 1) state.set(name, { shape, data: data.map(() => 0.5 + random.uniform()) });
  }
  await model.compile({ device, ...options });
  await model.loadStateDict(state);
  const probabilities = await model.predict(images(6));
  model.dispose();
  return probabilities;
}

/** Whatever form is the fastest here. */
async function fuses() {
  const expected = await predictTaking('cpu', {});
  const actual = await predictTaking('cuda', { precision: 'bfloat16', autotune: true });
  return [
    within('norm, squeeze and gate in bfloat16, timed: probabilities', largest(expected, actual), 0.02),
  ];
}

async function refusesNaN() {
  const model = await open('cuda');
  const before = await model.stateDict();
  const bad = images(1);
  bad[17] = Number.NaN;
  const code = await model.trainBatch({ images: bad, labels, size: BATCH }, { lr: 0.05 }).then(
    () => 'none',
    (error) => error.code,
  );
  const after = await model.stateDict();
  model.dispose();
  const change = Math.max(...[...before].map(([name, { data }]) => largest(data, after.get(name).data)));
  const check = `a NaN in the images gives ${code} and changes nothing`;
  const result = within(check, change, 0);
  return [{ ...result, passed: result.passed && code === 'ERR_SENET_NON_FINITE' }];
}

const groups = {
  float32: () => agrees('float32', 2e-4),
  tf32: () => agrees('tf32', 0.02),
  float16: () => agrees('float16', 0.05),
  bfloat16: () => agrees('bfloat16', 0.2),
  repeats,
  learns,
  predicts,
  fuses,
  refusesNaN,
};

export const groupNames = Object.keys(groups);

/** @returns the results of one group of checks */
export const run = async ({ group }) => ({ results: await groups[group]() });
