/** What is alive on the simulated GPU. */
import { createRequire } from 'node:module';
import { cudaSimLibrary } from './cuda_sim.ts';

interface TestAddon {
  callLibrary?(file: string, name: string): number;
}

/** Allocations, streams, graphs, descriptors and the like. Only the sanitizers' addon can ask; with others 0. */
export function simulatedObjects(): number {
  const file = process.env['SENET_ADDON'];
  if (file === undefined || file === '') return 0;
  const addon = createRequire(import.meta.url)(file) as TestAddon;
  const count = (name: string): number => addon.callLibrary?.(cudaSimLibrary, name) ?? 0;
  return count('sim_live_count') + count('sim_cudnn_live');
}
