/** Several GPUs in one machine, simulated: the first is too old. */
import { afterAll, expect, test } from 'vitest';
import { Device } from '../../lib/device.ts';
import { CudaUnavailableError, listDevices, Model, sgd } from '../../lib/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { simulatedObjects } from '../helpers/sim_objects.ts';
import { batches, definition } from '../train/helpers.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
process.env['SENET_SIM_DEVICES'] = '75,90';
afterAll(() => {
  expect(simulatedObjects()).toBe(0);
});

test('those that can be used are listed', async () => {
  const devices = await listDevices();
  expect(devices.map(({ name }) => name)).toEqual(['cpu', 'cuda:1']);
  expect(devices[1]!.description).toContain('compute capability 9.0');
});

test.each(['auto', 'cuda', 'cuda:1'] as const)('%s opens the one that can be used', async (name) => {
  const device = await Device.open(name);
  expect(device.description).toContain('compute capability 9.0');
  device.dispose();
});

test.each([
  ['cuda:0', /cuda:0: .*expected a GPU of compute capability 8\.0 or newer, .* has 7\.5/],
  ['cuda:2', /expected cuda:0 to cuda:1, received cuda:2/],
] as const)('%s is refused', async (name, message) => {
  const opening = Device.open(name);
  await expect(opening).rejects.toBeInstanceOf(CudaUnavailableError);
  await expect(opening).rejects.toThrow(message);
});

test('a model trains on it', async () => {
  const model = new Model(definition, { seed: 1 });
  await model.compile({ device: 'cuda:1', optimizer: sgd() });
  const { epochs } = await model.fit(batches(3), { epochs: 1 });
  expect(epochs[0]!.loss).toBeGreaterThan(0);
  model.dispose();
});
