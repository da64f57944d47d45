/** Profiles, measured and planned. */
import { expect, test } from 'vitest';
import { createModel, sgd } from '../../lib/index.ts';
import { batches, bitsOf, tiny } from '../train/helpers.ts';

test('names every step and leaves the model as it was', async () => {
  using model = await tiny();
  await model.fit(batches(2), { epochs: 1 });
  const before = await bitsOf(model);
  const rows = await model.profile({ training: true, batchSize: 4, runs: 2 });
  expect(rows.some(({ op, layer, ms }) => op === 'norm_tail' && layer === 'block.bn2' && ms >= 0)).toBe(true);
  expect((await model.profile()).some(({ op }) => op === 'conv2d_fused')).toBe(true);
  expect(await bitsOf(model)).toBe(before);
});

test('a deep network that normalises often can be profiled, too', async () => {
  using model = createModel('efficientnet_b0', { input: [32, 32, 3], classes: 3 });
  await model.compile({ device: 'cpu', threads: 1, optimizer: sgd() });
  const rows = await model.profile({ training: true, batchSize: 2, runs: 1 });
  expect(rows.some(({ op }) => op === 'norm_activation_grad')).toBe(true);
});

test('a plan runs nothing; its times follow from bytes, operations and the peak', async () => {
  using model = await tiny();
  const peak = { bandwidth: 1e9, flops: 1e9 };
  const rows = await model.profile({ plan: true, training: true, batchSize: 4, peak });
  for (const { bytes, flops, ms } of rows) expect(ms).toBeCloseTo(Math.max(bytes, flops) / 1e6, 12);
  // Forward convolutions: a multiply-add for each output element and weight that reaches it.
  const convolution = rows.find(({ op }) => op === 'conv2d')!;
  expect(convolution.flops).toBeGreaterThan(0);
  const norms = rows.filter(({ op }) => op === 'norm_tail' || op === 'batch_norm');
  expect(norms.every(({ flops, bytes }) => flops === 0 && bytes > 0)).toBe(true);
  const twice = await model.profile({ plan: true, training: true, batchSize: 8, peak });
  expect(twice.find(({ op }) => op === 'conv2d')!.flops).toBe(2 * convolution.flops);
});

test.each([
  { plan: 'yes' },
  { peak: { bandwidth: 0, flops: 1 } },
  { peak: { bandwidth: 1, flops: Number.NaN } },
  { peak: { bandwidth: 1, flops: 1, watts: 1 } },
  { peak: { bandwidth: '1', flops: 1 } },
  { peak: null },
])('a wrong profile: %j', async (options) => {
  using model = await tiny();
  await expect(model.profile(options as never)).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_SENET_(ARGUMENT|RANGE)$/),
    message: expect.stringContaining('profile'),
  });
});
