import { MemorySource } from '../../lib/io/byte_source.ts';
import { openWeightSource } from '../../lib/io/open_weights.ts';
import type { StoredTensor } from '../../lib/io/stored_tensor.ts';

/** All tensors of a weight file's bytes, on the way that models load by. */
export async function readBytes(bytes: Uint8Array, label: string): Promise<Map<string, StoredTensor>> {
  const file = await openWeightSource(new MemorySource(label, bytes));
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of file.tensors) tensors.set(name, await tensor.read());
  return tensors;
}
