/** The devices that the op suites run on: each kind of storage the CPU backend has, and the simulated GPU. */
import { expect } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { simulatedObjects } from '../helpers/sim_objects.ts';

const layouts = ['channels_last', 'blocked8', 'blocked16'] as const;

/** Opens the CUDA backend on the simulated device. */
export function openCudaSim(): Promise<Device> {
  process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
  return Device.open('cuda');
}

/** Opens every device. Convolutions are direct sums, which are exact for integers; winograd.test.ts has the others. */
export async function openDevices(): Promise<Map<string, Device>> {
  const devices = new Map<string, Device>();
  for (const layout of layouts) {
    devices.set(`cpu ${layout}`, await Device.open('cpu', { layout, convolutions: 'direct' }));
  }
  return devices.set('cuda-sim', await openCudaSim());
}

/** Disposes the devices; nothing of what ran on them may be left. */
export function closeDevices(devices: ReadonlyMap<string, Device>): void {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
  expect(simulatedObjects()).toBe(0);
}

/** Names for `describe.each`. */
export const deviceNames = [...layouts.map((layout) => `cpu ${layout}`), 'cuda-sim'];
