/** Training and prediction on three simulated GPUs at once, with the thread sanitizer looking on. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { predictionGraph, trainingGraph } from '../../../lib/graph/programs.ts';
import { encodeGraph } from '../../../lib/ir/message.ts';
import { buildOnSim } from '../../helpers/cuda_sim.ts';
import { definition } from '../../train/helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-host-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BATCH = 2;
const trained = definition.parameters.filter(({ kind }) => kind === 'parameter');
const graphs = {
  training: trainingGraph(definition.graph, {
    batch: BATCH,
    labels: 'indices',
    labelSmoothing: 0,
    rule: { kind: 'sgd', momentum: 0.9, nesterov: false },
    frozenNorms: new Set(),
    scalesLoss: false,
    statisticsMomentum: 0.1,
    updates: new Map(trained.map(({ name }) => [name, { rate: 1, decay: 1e-4 }])),
  }),
  prediction: predictionGraph(definition.graph, BATCH),
};
const files = Object.entries(graphs).map(([name, graph]) => {
  const file = join(folder, name);
  writeFileSync(file, encodeGraph(graph));
  return file;
});

let program = '';
beforeAll(() => {
  program = buildOnSim('tsan', 'host_tests');
}, 600_000);

test('no races, and equal losses', () => {
  const env = { ...process.env, SENET_SIM_SCHEDULE: 'random' };
  const { stdout, stderr, status } = spawnSync(program, files, { env, encoding: 'utf8', timeout: 100_000 });
  expect(stderr).toBe('');
  expect({ stdout, status }).toEqual({ stdout: 'ok\n', status: 0 });
}, 120_000);
