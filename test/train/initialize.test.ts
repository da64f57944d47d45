/** Initial weights against their definition, and the promise that a seed gives the same ones for good. */
import { describe, expect, test } from 'vitest';
import type { Initializer } from '../../lib/layers/model_builder.ts';
import { initialValues } from '../../lib/train/initialize.ts';

const draw = (count: number, initializer: Initializer, seed = 1, index = 3): Promise<Float32Array> =>
  initialValues({ shape: [count], initializer }, seed, index);

/** Mean, deviation and mean fourth power over that of the deviation: 3 for a normal distribution, 1.8 for an even one. */
function moments(values: Float32Array): [number, number, number] {
  const mean = (of: (x: number) => number) => values.reduce((sum, x) => sum + of(x), 0) / values.length;
  const centre = mean((x) => x);
  const variance = mean((x) => (x - centre) ** 2);
  return [centre, Math.sqrt(variance), mean((x) => (x - centre) ** 4) / variance ** 2];
}

const normal = { kind: 'heNormal', fan: 50 } as const;
const even = { kind: 'uniform', bound: 0.3 } as const;

describe('initialValues', () => {
  test('heNormal is a normal distribution of variance 2 / fan', async () => {
    const [mean, deviation, shape] = moments(await draw(400_001, normal));
    expect(Math.abs(mean)).toBeLessThan(0.001);
    expect(deviation).toBeCloseTo(0.2, 3);
    expect(shape).toBeCloseTo(3, 1);
  });

  test('uniform is even between the bounds', async () => {
    const values = await draw(400_001, even);
    const [mean, deviation, shape] = moments(values);
    expect(Math.abs(mean)).toBeLessThan(0.001);
    expect(deviation).toBeCloseTo(0.3 / Math.sqrt(3), 3);
    expect(shape).toBeCloseTo(1.8, 1);
    expect(values.every((x) => Math.abs(x) < 0.3)).toBe(true);
  });

  test('are the same in every version, for seed and parameter alike', async () => {
    const rounded = (values: Float32Array) => Array.from(values, (x) => Number(x.toFixed(5)));
    expect(rounded(await draw(5, normal))).toEqual([-0.24198, 0.22903, -0.09147, 0.07867, -0.09533]);
    expect(rounded(await draw(3, even))).toEqual([-0.1502, -0.07238, 0.20019]);
    expect(await draw(5, normal, 2)).not.toEqual(await draw(5, normal));
    expect(await draw(5, normal, 1, 4)).not.toEqual(await draw(5, normal));
  });

  test.each([normal, even])(
    '$kind: fewer values are the first of more, odd or even, over all chunks',
    async (kind) => {
      const many = await draw(40_000, kind);
      for (const count of [1, 2, 16_383, 16_384, 16_385, 39_999])
        expect(await draw(count, kind)).toEqual(many.slice(0, count));
    },
  );

  test('let the event loop have its turns', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    await draw(4_000_000, normal);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});
