/** Gates of SE blocks over data, against the block's definition worked out in double precision. */
import { afterEach, describe, expect, test } from 'vitest';
import { createModel } from '../../lib/create_model.ts';
import { type Batch, floatImages } from '../../lib/data/batch.ts';
import { ArgumentError, ArgumentRangeError, StateError, UnsupportedError } from '../../lib/errors.ts';
import type { CaptureOptions } from '../../lib/excitations.ts';
import { excitationFigure } from '../../lib/figures/excitations.ts';
import { lineChart, ticks } from '../../lib/figures/line_chart.ts';
import { defineModel, globalAvgPool, linear, squeezeExcite } from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { batches, batchOf, CLASSES, definition, SIZE } from '../train/helpers.ts';

const opened: Model[] = [];
const keep = (model: Model): Model => {
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

/** SE on the images themselves. */
const bare = defineModel({ input: [SIZE, SIZE, 3], name: 'bare' }, (images) =>
  linear(globalAvgPool(squeezeExcite(images, { reduction: 1, name: 'se' })), { units: CLASSES, name: 'fc' }),
);

/** The gates of an image by Eq. 2 and 3 of the paper. */
function gatesOf(images: Float32Array, weights: Map<string, { data: Float32Array }>): number[] {
  const layer = (name: string, x: readonly number[], act: (v: number) => number) => {
    const w = weights.get(`se.${name}.weight`)!.data;
    const b = weights.get(`se.${name}.bias`)!.data;
    return [...b].map((bias, k) => act(x.reduce((sum, v, c) => sum + v * w[k * x.length + c]!, bias)));
  };
  const squeezed = [0, 1, 2].map(
    (c) => images.filter((_, i) => i % 3 === c).reduce((a, b) => a + b, 0) / (SIZE * SIZE),
  );
  const hidden = layer('fc1', squeezed, (v) => Math.max(v, 0));
  return layer('fc2', hidden, (v) => 1 / (1 + Math.exp(-v)));
}

describe('captureExcitations', () => {
  test('gives means and deviations by class', async () => {
    const model = keep(new Model(bare, { seed: 3 }));
    const data = [batchOf(5), batchOf(3, 2)];
    const found = await model.captureExcitations(data);
    const weights = new Map(await model.stateDict());
    const gates = data.flatMap((batch) =>
      Array.from({ length: batch.size }, (_, n) => ({
        label: batch.labels[n]!,
        gate: gatesOf(floatImages(batch).subarray(n * SIZE * SIZE * 3, (n + 1) * SIZE * SIZE * 3), weights),
      })),
    );
    expect(found.blocks).toEqual([{ name: 'se', channels: 3 }]);
    const check = (some: typeof gates, { count, blocks }: (typeof found)['all']) => {
      expect(count).toBe(some.length);
      for (let c = 0; c < 3; c += 1) {
        const mean = some.reduce((sum, { gate }) => sum + gate[c]!, 0) / some.length;
        const variance = some.reduce((sum, { gate }) => sum + (gate[c]! - mean) ** 2, 0) / some.length;
        expect(blocks[0]!.mean[c]).toBeCloseTo(mean, 6);
        expect(blocks[0]!.deviation[c]).toBeCloseTo(Math.sqrt(variance), 6);
      }
    };
    check(gates, found.all);
    expect([...found.classes.keys()]).toEqual([0, 1, 2, 3]);
    for (const [label, one] of found.classes)
      check(
        gates.filter((gate) => gate.label === label),
        one,
      );
    const some = await model.captureExcitations(data, { classes: [2], batchSize: 4 });
    expect([...some.classes]).toEqual([[2, found.classes.get(2)]]);
    expect(some.all).toEqual(found.all);
  });

  test.each([
    ['se_resnet14', ['layer1.0.se', 'layer3.1.se'], 6],
    ['se_preresnet110', ['layer1.0.se', 'layer3.17.se'], 54],
    ['mobilenetv3_small_100', ['blocks.0.0.se', 'blocks.4.2.se'], 9],
    ['se_resnet18', ['layer1.0.se', 'layer4.1.se'], 8],
  ] as const)('finds the blocks of %s, gates between 0 and 1', async (name, [first, last], count) => {
    const model = keep(createModel(name, { input: [32, 32, 3], classes: 3 }));
    const images = Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => Math.sin(i));
    const { blocks, all } = await model.captureExcitations([{ images, labels: new Int32Array(2), size: 2 }]);
    expect(blocks.length).toBe(count);
    expect([blocks[0]!.name, blocks.at(-1)!.name]).toEqual([first, last]);
    for (const [i, { mean }] of all.blocks.entries()) {
      expect(mean.length).toBe(blocks[i]!.channels);
      expect(mean.every((gate) => gate >= 0 && gate <= 1)).toBe(true);
    }
  });

  test('of moving averages', async () => {
    const model = keep(new Model(definition, { seed: 3 }));
    await model.compile({ optimizer: sgd(), ema: { decay: 0.5 } });
    for (const batch of batches(2)) await model.trainBatch(batch, { lr: 0.1 });
    const means = async (one: Model, options: CaptureOptions) =>
      (await one.captureExcitations(batches(1), options)).all.blocks.map(({ mean }) => mean);
    const averaged = await means(model, { weights: 'ema' });
    expect(averaged).not.toEqual(await means(model, {}));
    const other = keep(new Model(definition));
    await other.loadStateDict(await model.stateDict({ weights: 'ema' }));
    expect(await means(other, {})).toEqual(averaged);
    await expect(means(other, { weights: 'ema' })).rejects.toThrow(StateError);
  });

  test('says what is wrong', async () => {
    const model = keep(new Model(definition));
    await expect(model.captureExcitations([])).rejects.toThrow(StateError);
    await expect(model.captureExcitations(3 as never)).rejects.toThrow(ArgumentError);
    await expect(model.captureExcitations(batches(1), { classes: [4] })).rejects.toThrow(ArgumentRangeError);
    await expect(model.captureExcitations(batches(1), { classes: 1 as never })).rejects.toThrow(
      ArgumentError,
    );
    await expect(model.captureExcitations(batches(1), { batchSize: 0 })).rejects.toThrow(/batchSize: /);
    const soft: Batch = { ...batchOf(1), labels: new Float32Array(CLASSES) };
    await expect(model.captureExcitations([soft])).rejects.toThrow(/labels: /);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(model.captureExcitations(batches(1), { signal })).rejects.toThrow('enough');
    const plain = keep(createModel('resnet14', { input: [8, 8, 3] }));
    await expect(plain.captureExcitations(batches(1))).rejects.toThrow(UnsupportedError);
    const unsqueezed = keep(createModel('se_resnet14', { input: [8, 8, 3], se: { squeeze: 'none' } }));
    await expect(unsqueezed.captureExcitations(batches(1))).rejects.toThrow(UnsupportedError);
  });
});

describe('excitationFigure', () => {
  test('draws a line for each class and one for all', async () => {
    const model = keep(new Model(definition));
    const excitations = await model.captureExcitations(batches(2));
    const { name } = excitations.blocks[0]!;
    const svg = excitationFigure(excitations, { block: name, names: ['<goldfish>'], channels: 5 });
    expect(svg.match(/class="line"[^>]*d="M[\d. ]+(L[\d. ]+){4}"/g)?.length).toBe(5);
    expect(svg).toContain('&lt;goldfish&gt;');
    expect(svg).toContain('>class 3<');
    expect(svg).not.toContain('class="band"');
    const banded = excitationFigure(excitations, { block: name, classes: [1], deviation: true });
    expect(banded.match(/class="band"/g)?.length).toBe(2);
    expect(() => excitationFigure(excitations, { block: 'layer9' })).toThrow(/expected .*received 'layer9'/);
    expect(() => excitationFigure(excitations, { block: name, classes: [9] })).toThrow(ArgumentRangeError);
    expect(() => excitationFigure(excitations, { block: name, channels: 0 })).toThrow(ArgumentRangeError);
  });
});

describe('lineChart', () => {
  test('has round ticks', () => {
    expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0.31, 0.47)).toEqual([0.35, 0.4, 0.45]);
    expect(ticks(-3, 12)).toEqual([0, 5, 10]);
    expect(ticks(0, 100_000)).toEqual([0, 20_000, 40_000, 60_000, 80_000, 100_000]);
  });

  test('draws what is finite, even where nothing or one value is', () => {
    const options = { title: 't', xLabel: 'x', yLabel: 'y' };
    expect(lineChart([], options)).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(lineChart([{ name: 'a', x: [1], y: [1] }], options)).not.toMatch(/NaN|Infinity/);
    const broken = lineChart(
      [{ name: 'a', x: [0, 1, 2, 3, 4], y: [1, 2, Number.NaN, 4, Infinity] }],
      options,
    );
    expect(broken).not.toMatch(/NaN|Infinity/);
    expect(broken).toMatch(/d="M[\d. ]+L[\d. ]+M[\d. ]+"/);
  });
});
