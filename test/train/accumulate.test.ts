/** Updates by the mean gradient of several batches, against PyTorch (fixtures/make_updates.py) and one large batch. */
import { afterEach, describe, expect, test } from 'vitest';
import { CompiledModel } from '../../lib/compiled_model.ts';
import { Device } from '../../lib/device.ts';
import { adamw, type Batch, type CompileOptions, defineModel, Model, sgd } from '../../lib/index.ts';
import { dropout, flatten, linear } from '../../lib/layers/index.ts';
import { checkCompileOptions } from '../../lib/model_options.ts';
import { Weights } from '../../lib/weights.ts';
import { expectClose } from '../helpers/close.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { batchOfStep, initialState, type Numbers, readFixture, tinyNet } from '../helpers/golden_net.ts';
import { tensor } from '../reference/index.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const { accumulated: golden } = readFixture('updates.json') as {
  accumulated: { losses: number[]; norms: number[]; state: Numbers };
};

const devices = ['cpu', 'cuda'] as const;
const opened: Model[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

async function open(options: CompileOptions, definition = tinyNet): Promise<Model> {
  const model = new Model(definition, { seed: 1 });
  opened.push(model);
  await model.compile(options);
  if (definition === tinyNet) await model.loadStateDict(initialState());
  return model;
}

const momentum = () => sgd({ momentum: 0.9, weightDecay: 1e-3, decayNormsAndBiases: false });

const bytesOf = async (model: Model) =>
  Buffer.concat([...(await model.stateDict()).values()].map(({ data }) => Buffer.from(data.buffer)));

/** Parameters alone: running statistics move with each batch. */
async function parametersOf(model: Model): Promise<Map<string, Float32Array>> {
  const state = [...(await model.stateDict())].filter(([name]) => !name.includes('running'));
  return new Map(state.map(([name, { data }]) => [name, data]));
}

test.each(devices)('three batches make an update, on %s', async (device) => {
  const model = await open({ device, optimizer: momentum(), clipNorm: 0.5 });
  for (const [i, expected] of golden.losses.entries()) {
    const accumulate = i % 3 !== 2;
    const { loss, gradientNorm } = await model.trainBatch(batchOfStep(i), { lr: 0.05, accumulate });
    // As in updates.test.ts.
    expect(Math.abs(loss - expected)).toBeLessThan(2e-5 * expected);
    expect(model.step).toBe(Math.floor((i + 1) / 3));
    if (accumulate) expect(gradientNorm).toBeUndefined();
    else expect(gradientNorm! / golden.norms[(i - 2) / 3]!).toBeCloseTo(1, 4);
  }
  const state = await model.stateDict();
  for (const [name, values] of Object.entries(golden.state)) {
    const actual = state.get(name)!.data.subarray(0, values.length);
    expectClose(actual, tensor([values.length], values), { reduction: 4096, dtype: 'f32', label: name });
  }
});

/** A network without norms, for which two batches are the same as one of both. */
const plain = defineModel({ input: [4, 4, 1], name: 'plain' }, (images) =>
  linear(flatten(images), { units: 4, name: 'fc' }),
);
const part = (from: number): Batch => ({
  images: Float32Array.from({ length: 64 }, (_, i) => Math.sin(0.7 * (i + 64 * from))),
  labels: Int32Array.from([0, 1, 2, 3], (k) => (k + from) % 4),
  size: 4,
});
const whole = (): Batch => {
  const [a, b] = [part(0), part(1)];
  const labels = Int32Array.from([...a.labels, ...b.labels]);
  return { images: Float32Array.from([...a.images, ...b.images]), labels, size: 8 };
};

describe.each(devices)('on %s', (device) => {
  test.each([
    ['SGD', momentum(), undefined],
    ['SGD, limited', momentum(), 0.1],
    ['AdamW', adamw({ epsilon: 1e-3 }), undefined],
  ])('two batches are the same as one of both: %s', async (_, optimizer, clipNorm) => {
    const options = { device, optimizer, ...(clipNorm !== undefined && { clipNorm }) };
    const [parts, one] = [await open(options, plain), await open(options, plain)];
    for (let step = 0; step < 3; step += 1) {
      await parts.trainBatch(part(0), { lr: 0.1, accumulate: true });
      await parts.trainBatch(part(1), { lr: 0.1 });
      await one.trainBatch(whole(), { lr: 0.1 });
    }
    const expected = await parametersOf(one);
    for (const [name, data] of await parametersOf(parts)) {
      const values = expected.get(name)!;
      expectClose(data, tensor([values.length], values), { reduction: 64, dtype: 'f32', label: name });
    }
  });

  test('one batch alone is an ordinary step, also after an update by several', async () => {
    const [model, other] = [
      await open({ device, optimizer: momentum() }),
      await open({ device, optimizer: momentum() }),
    ];
    for (const one of [model, other]) {
      await one.trainBatch(batchOfStep(0), { lr: 0.05, accumulate: true });
      await one.trainBatch(batchOfStep(1), { lr: 0.05 });
      await one.trainBatch(batchOfStep(2), { lr: 0.05 });
    }
    expect((await bytesOf(model)).equals(await bytesOf(other))).toBe(true);
    expect(model.step).toBe(2);
  });

  test('without an update nothing but running statistics moves', async () => {
    const model = await open({ device, optimizer: momentum(), ema: { decay: 0.5 } });
    const before = await parametersOf(model);
    const averages = await model.stateDict({ weights: 'ema' });
    await model.trainBatch(batchOfStep(0), { lr: 0.05, accumulate: true });
    expect(await parametersOf(model)).toEqual(before);
    expect(await model.stateDict({ weights: 'ema' })).toEqual(averages);
    expect((await model.stateDict()).get('bn1.running_mean')!.data.some((value) => value !== 0)).toBe(true);
    expect(model.step).toBe(0);
  });

  test('a batch with a NaN is left out, and its error names the step', async () => {
    const [model, other] = [
      await open({ device, optimizer: momentum() }),
      await open({ device, optimizer: momentum() }),
    ];
    const bad = batchOfStep(1);
    bad.images[5] = Number.NaN;
    for (const one of [model, other]) await one.trainBatch(batchOfStep(0), { lr: 0.05, accumulate: true });
    await expect(model.trainBatch(bad, { lr: 0.05, accumulate: true })).rejects.toMatchObject({
      code: 'ERR_SENET_NON_FINITE',
      step: 0,
    });
    for (const one of [model, other]) await one.trainBatch(batchOfStep(2), { lr: 0.05 });
    expect((await bytesOf(model)).equals(await bytesOf(other))).toBe(true);
  });

  test('fit gives up what waits for an update', async () => {
    const [model, other] = [
      await open({ device, optimizer: momentum(), freezeNorms: true }),
      await open({ device, optimizer: momentum(), freezeNorms: true }),
    ];
    await model.trainBatch(batchOfStep(0), { lr: 0.05, accumulate: true });
    for (const one of [model, other]) await one.fit([batchOfStep(1), batchOfStep(2)], { epochs: 1 });
    expect((await bytesOf(model)).equals(await bytesOf(other))).toBe(true);
  });

  test('each batch has dropout of its own', async () => {
    const dropping = defineModel({ input: [4, 4, 1], name: 'dropping' }, (images) =>
      linear(dropout(flatten(images), { rate: 0.5 }), { units: 4, name: 'fc' }),
    );
    const model = await open({ device, optimizer: momentum() }, dropping);
    const loss = async () => (await model.trainBatch(part(0), { lr: 0, accumulate: true })).loss;
    expect(new Set([await loss(), await loss(), await loss()]).size).toBe(3);
  });
});

test('in float16 an overflow in one batch skips the update, and the next one begins anew', async () => {
  const options = {
    device: 'cuda',
    precision: 'float16',
    optimizer: adamw({ epsilon: 1e-3 }),
    clipNorm: 1,
    freezeNorms: true,
  } as const;
  const model = await open(options);
  const huge = new Map(initialState());
  const { shape, data } = huge.get('fc.weight')!;
  huge.set('fc.weight', { shape, data: data.map((value) => value * -1e5) });
  await model.loadStateDict(huge);
  const before = await bytesOf(model);
  await model.trainBatch(batchOfStep(0), { lr: 0.01, accumulate: true });
  expect(await model.lossScale()).toBe(65536);
  await model.trainBatch(batchOfStep(1), { lr: 0.01 });
  expect(await model.lossScale()).toBe(32768);
  expect((await bytesOf(model)).equals(before)).toBe(true);

  await model.loadStateDict(initialState());
  const other = await open(options);
  for (const one of [model, other]) {
    await one.trainBatch(batchOfStep(0), { lr: 0.01, accumulate: true });
    const { gradientNorm } = await one.trainBatch(batchOfStep(1), { lr: 0.01 });
    expect(gradientNorm).toBeGreaterThan(0);
  }
  const expected = await parametersOf(other);
  for (const [name, values] of await parametersOf(model)) {
    const wanted = tensor([values.length], expected.get(name)!);
    expectClose(values, wanted, { reduction: 1, bits: 8, dtype: 'f32', label: name });
  }
});

describe('a compiled model', () => {
  const step = { lr: 0.1, seed: 1, step: 0 };
  const openCompiled = async () => {
    const device = await Device.open('cpu', { threads: 1 });
    const weights = new Weights(tinyNet.parameters, 1);
    await weights.attach(device);
    const settings = checkCompileOptions({ optimizer: momentum(), clipNorm: 1 }, tinyNet);
    return { compiled: new CompiledModel(tinyNet, device, weights, settings), weights };
  };
  const add = async ({ compiled }: { compiled: CompiledModel }, batch: number, update: boolean) => {
    const staged = await compiled.stageTraining(batchOfStep(batch), { accumulate: true, freezeNorms: false });
    return staged.run({ ...step, update });
  };
  const close = ({ compiled, weights }: { compiled: CompiledModel; weights: Weights }) => {
    compiled.dispose();
    weights.dispose();
  };

  test('can update apart from a batch', async () => {
    const [one, other] = [await openCompiled(), await openCompiled()];
    await add(one, 0, false);
    await add(other, 0, false);
    expect((await add(one, 1, true)).gradientNorm).toBeGreaterThan(0);
    await add(other, 1, false);
    expect([one.compiled.accumulated, other.compiled.accumulated]).toEqual([0, 2]);
    await other.compiled.update({ ...step, update: true });
    expect(other.compiled.accumulated).toBe(0);
    expect(await other.weights.stateDict()).toEqual(await one.weights.stateDict());
    [one, other].forEach(close);
  });

  test('can give up what waits', async () => {
    const [one, other] = [await openCompiled(), await openCompiled()];
    await add(one, 0, false);
    one.compiled.discardGradients();
    await add(one, 1, true);
    await add(other, 1, true);
    const fc = async ({ weights }: { weights: Weights }) => (await weights.stateDict()).get('fc.weight');
    expect(await fc(one)).toEqual(await fc(other));
    [one, other].forEach(close);
  });
});

test('wrong use', async () => {
  const model = await open({ device: 'cpu', optimizer: momentum() });
  const options = { lr: 0.1, accumulate: 1 } as unknown as { lr: number };
  await expect(model.trainBatch(batchOfStep(0), options)).rejects.toThrow(
    'trainBatch: accumulate: expected true or false, received 1',
  );
});
