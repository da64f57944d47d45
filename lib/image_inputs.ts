/** Images of batches as inputs of programs. */
import type { PreparedImages } from './data/batch.ts';
import { byteTable } from './data/normalization.ts';
import { BYTE_TABLE } from './graph/passes/from_bytes.ts';
import type { ProgramInputs } from './program.ts';

/** How images come: as the network takes them, or as bytes that stand for that. */
export type ImageKind = 'floats' | 'bytes';

export const imageKind = ({ normalization }: PreparedImages): ImageKind =>
  normalization === undefined ? 'floats' : 'bytes';

/** Inputs of a program for images of their kind. */
export const imageInputs = ({ images, normalization }: PreparedImages): ProgramInputs =>
  normalization === undefined ? { images } : { images, [BYTE_TABLE]: byteTable(normalization) };

/** Elements `start` to `end` of the images; behind the last ones zeros. */
export function imagesFrom({ images, ...rest }: PreparedImages, start: number, end: number): PreparedImages {
  const some = images.subarray(start, end);
  if (end <= images.length) return { images: some, ...rest };
  const padded = images instanceof Uint8Array ? new Uint8Array(end - start) : new Float32Array(end - start);
  padded.set(some);
  return { images: padded, ...rest };
}
