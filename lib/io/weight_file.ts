import type { ByteSource } from './byte_source.ts';
import { type Checksum, type Placement, WeightTensor } from './weight_tensor.ts';

/** The formats of weight files: safetensors, and PyTorch's two, since and before version 1.6. */
export type WeightFormat = 'safetensors' | 'pytorch-zip' | 'pytorch-stream';

/**
 * A weight file, open for reading. All that it says of its tensors is checked; their values are read when asked for.
 * Close it when done.
 */
export class WeightFile {
  /** The file, as it was given. */
  readonly path: string;
  readonly format: WeightFormat;
  /** Size in bytes. */
  readonly size: number;
  /** Tensors by the names that the file has, in the file's order. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** Texts of a safetensors file; numbers and texts that PyTorch's file has beside the state dict, such as the epoch. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Entries of the state dict that are no tensors. */
  readonly skipped: readonly string[];
  readonly #source: ByteSource;

  constructor(
    source: ByteSource,
    format: WeightFormat,
    placements: ReadonlyMap<string, Placement>,
    rest: { readonly metadata: ReadonlyMap<string, string>; readonly skipped?: readonly string[] },
  ) {
    const checked = new Set<Checksum>();
    this.path = source.path;
    this.format = format;
    this.size = source.size;
    this.tensors = new Map(
      [...placements].map(([name, placement]) => [name, new WeightTensor(name, source, placement, checked)]),
    );
    this.metadata = rest.metadata;
    this.skipped = rest.skipped ?? [];
    this.#source = source;
  }

  /**
   * Fails if the file was written to since it was opened; call it after reading, so that a mixture of two versions is not
   * believed.
   *
   * @throws FileError
   */
  async requireUnchanged(): Promise<void> {
    await this.#source.requireUnchanged();
  }

  /** Closes the file; tensors can then no longer be read. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
