/**
 * What every model of the zoo does: it predicts, a training step gives every parameter a gradient and the images a
 * finite one, its weights come back from a file, and both programs compile for the simulated GPU. The largest take their
 * turn with SENET_ZOO=all only, which takes five minutes more: they differ from smaller ones in numbers of blocks and
 * channels.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differentiate } from '../../lib/graph/autodiff.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { replayForTraining } from '../../lib/graph/programs.ts';
import { prune } from '../../lib/graph/rewrite.ts';
import { createModel, type Graph, type Model, sgd } from '../../lib/index.ts';
import { listModels, type ModelName } from '../../lib/models/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { Random } from '../helpers/random.ts';
import { runGraph } from '../helpers/run_graph.ts';
import { smallInput } from '../helpers/small_input.ts';

const CLASSES = 5;
const BATCH = 2;
/** So high that the smallest gradient moves a norm's scale of 1 by a bit. */
const LR = 1000;

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;

const folder = mkdtempSync(join(tmpdir(), 'senet-zoo-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isLarge = (name: string): boolean =>
  /101|152|154|vgg|resnet_v2|shake|regnety_(032|040|080|160)/.test(name);
const names = listModels().filter((name) => process.env['SENET_ZOO'] === 'all' || !isLarge(name));

const modelOf = (name: ModelName): Model =>
  createModel(name, {
    input: smallInput(name),
    classes: CLASSES,
    dropout: 0,
    // A hidden layer of a single unit is dead with every second seed.
    ...(name.startsWith('se_preresnet') && { se: { reduction: 2 } }),
    seed: 5,
  });

/** Copies, as later steps change the model's own. */
async function copyOf(model: Model): Promise<Map<string, Float32Array>> {
  return new Map([...(await model.stateDict())].map(([name, { data }]) => [name, data.slice()]));
}

const isSame = (a: Float32Array, b: Float32Array): boolean => Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function noise(name: string, count: number): Float32Array {
  const random = new Random(name);
  return Float32Array.from({ length: count }, () => random.normal());
}

const imagesOf = (name: string, { input: [height, width, channels] }: Model): Float32Array =>
  noise(name, BATCH * height * width * channels);

/** What comes back to the images in training when `seed` comes to the logits. */
function imageGradient({ definition }: Model): Graph {
  const builder = new GraphBuilder();
  const logits = replayForTraining(builder, definition.graph, BATCH);
  const images = builder.values.find(({ name }) => name === 'images')!.id;
  const seed = builder.input('seed', builder.type(logits));
  return prune(builder.finish([differentiate(builder, logits, seed, [images]).get(images)!]));
}

describe.each(names)('%s', (name) => {
  // One for all of its tests: each leaves the weights as they were, which take long to draw.
  let model: Model;
  beforeAll(() => {
    model = modelOf(name);
  });
  afterAll(() => model.dispose());

  test('learns, predicts and comes back from its file', async () => {
    const images = imagesOf(name, model);
    const labels = Int32Array.from({ length: BATCH }, (_, i) => i % CLASSES);
    const file = join(folder, 'weights.safetensors');
    await model.compile({ device: 'cpu', optimizer: sgd({ momentum: 0, weightDecay: 0 }) });
    const before = await copyOf(model);
    const predicted = await model.predict(images);
    expect(predicted.every((p) => p >= 0 && p <= 1)).toBe(true);
    await model.save(file);

    const { loss } = await model.trainBatch({ images, labels, size: BATCH }, { lr: LR });
    expect(loss).toBeGreaterThan(0);
    const after = await copyOf(model);
    expect([...before].filter(([key, data]) => isSame(data, after.get(key)!)).map(([key]) => key)).toEqual(
      [],
    );

    await model.load(file);
    const loaded = await copyOf(model);
    expect([...before].filter(([key, data]) => !isSame(data, loaded.get(key)!))).toEqual([]);
    expect(await model.predict(images)).toEqual(predicted);
  });

  test('its images have a finite gradient', async () => {
    const images = imagesOf(name, model);
    const inputs = { images, seed: noise('seed', BATCH * CLASSES), key: Int32Array.of(1, 2) };
    const [gradient] = await runGraph(imageGradient(model), await model.stateDict(), inputs);
    const values = Array.from(gradient!);
    expect(values).toHaveLength(images.length);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values.some((value) => value !== 0)).toBe(true);
  });

  test('compiles for a GPU', async () => {
    await model.compile({ device: 'cuda', precision: 'bfloat16', optimizer: sgd() });
    for (const training of [true, false]) {
      const steps = await model.profile({ plan: true, training, batchSize: BATCH });
      expect(steps.length).toBeGreaterThan(0);
    }
  });
});
