import { MemorySource } from '../../lib/io/byte_source.ts';
import { type OpenWeightsOptions, openWeightSource, openWeights } from '../../lib/io/open_weights.ts';
import type { StoredTensor } from '../../lib/io/stored_tensor.ts';
import type { WeightFile } from '../../lib/io/weight_file.ts';

/** All that a weight file holds. */
export interface Content {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

async function contentOf(file: WeightFile, signal?: AbortSignal): Promise<Content> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of file.tensors) tensors.set(name, await tensor.read(signal));
  await file.requireUnchanged();
  return { tensors, metadata: file.metadata };
}

/** The content of a weight file's bytes. */
export async function readBytes(bytes: Uint8Array, label = 'bytes'): Promise<Content> {
  return contentOf(await openWeightSource(new MemorySource(label, bytes)));
}

/** The content of a weight file. */
export async function readFile(path: string, options: OpenWeightsOptions = {}): Promise<Content> {
  const file = await openWeights(path, options);
  try {
    return await contentOf(file, options.signal);
  } finally {
    await file.close();
  }
}
