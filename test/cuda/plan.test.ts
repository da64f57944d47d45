/**
 * The planned training step and prediction of SE-ResNet-50 on an H100, from the programs that are compiled: batch 256,
 * 224 x 224 pixels, bfloat16. A floor from bytes and operations; the simulated device computes nothing. Its time counts
 * operations, so timing prefers all that is fused.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createModel, type ModelName, type StepProfile, sgd } from '../../lib/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
process.env['SENET_SIM_IDLE'] = '1';
// No plans of other processes.
const cache = mkdtempSync(join(tmpdir(), 'senet-plan-'));
process.env['XDG_CACHE_HOME'] = cache;
afterAll(() => rmSync(cache, { recursive: true }));

async function plan(name: ModelName, training: boolean): Promise<readonly StepProfile[]> {
  const model = createModel(name);
  const optimizer = sgd({ momentum: 0.9 });
  await model.compile({ device: 'cuda', precision: 'bfloat16', autotune: true, optimizer });
  const steps = await model.profile({ plan: true, training, batchSize: 256 });
  model.dispose();
  return steps;
}

const total = (steps: readonly StepProfile[], of: 'ms' | 'bytes' | 'flops'): number =>
  steps.reduce((sum, step) => sum + step[of], 0);

/** A line for each op: how many steps, gigabytes, teraflops, milliseconds. */
function table(steps: readonly StepProfile[]): string {
  const lines = [...new Set(steps.map(({ op }) => op))].map((op) => {
    const own = steps.filter((step) => step.op === op);
    const cells = [
      (total(own, 'bytes') / 1e9).toFixed(2),
      (total(own, 'flops') / 1e12).toFixed(2),
      total(own, 'ms').toFixed(2),
    ];
    return `${op.padEnd(28)} ${String(own.length).padStart(3)} ${cells.map((cell) => cell.padStart(8)).join('')}`;
  });
  return [`${'op'.padEnd(28)}   n       GB  TFLOP      ms`, ...lines].join('\n');
}

test('the floor of a training step is below 28 ms, and SE has less than 3 % of it', async () => {
  const [se, plain] = [await plan('se_resnet50', true), await plan('resnet50', true)];
  const [ms, plainMs] = [total(se, 'ms'), total(plain, 'ms')];
  console.log(`${table(se)}\nse_resnet50 ${ms.toFixed(2)} ms, resnet50 ${plainMs.toFixed(2)} ms`);
  // 3 x 2 x 4.09 GMAC for each image: forward and two gradients; the stem's input has none.
  expect(total(se, 'flops') / 256 / 2e9).toBeCloseTo(3 * 4.09 - 0.12, 1);
  expect(ms).toBeLessThan(28);
  expect((ms - plainMs) / ms).toBeLessThan(0.03);
}, 120_000);

test('the floor of inference is below 5.3 ms, and SE has less than 1 % of it', async () => {
  const [se, plain] = [await plan('se_resnet50', false), await plan('resnet50', false)];
  const [ms, plainMs] = [total(se, 'ms'), total(plain, 'ms')];
  console.log(`${table(se)}\nse_resnet50 ${ms.toFixed(2)} ms, resnet50 ${plainMs.toFixed(2)} ms`);
  expect(ms).toBeLessThan(5.3);
  expect((ms - plainMs) / ms).toBeLessThan(0.01);
}, 120_000);
