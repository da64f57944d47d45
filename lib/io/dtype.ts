/** Element types of safetensors files with their width in bits, in the order in which the format ranks them. */
const widths = [
  ['BOOL', 8],
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['U8', 8],
  ['I8', 8],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E8M0', 8],
  ['I16', 16],
  ['U16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['I32', 32],
  ['U32', 32],
  ['F32', 32],
  ['C64', 64],
  ['F64', 64],
  ['I64', 64],
  ['U64', 64],
] as const;

/**
 * Element type of a tensor in a safetensors file. `F` is IEEE floating point, `BF16` bfloat16, `I` and `U` signed
 * and unsigned integers, `C64` complex with two float32 parts; the number is the width in bits. All are
 * little-endian.
 */
export type DType = (typeof widths)[number][0];

const ranks = new Map<string, number>(widths.map(([name], index) => [name, index]));

/** Largest number of dimensions a stored tensor may have. */
export const maxRank = 8;

/** True for the names of {@link DType}, which are case-sensitive. */
export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && ranks.has(name);
}

/** Position of a type in the format's order, in which wider types come later. */
export function dtypeRank(dtype: DType): number {
  return ranks.get(dtype)!;
}

/**
 * Bytes that a tensor takes, computed without overflow.
 *
 * @param shape whole numbers from 0 to 2^53-1
 * @returns the number of bytes, or a sentence part that says why there is none
 */
export function tensorBytes(dtype: DType, shape: readonly number[]): number | string {
  const bits = widths[dtypeRank(dtype)]![1];
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (elements > Number.MAX_SAFE_INTEGER / bits) {
      return `the shape [${shape.join(', ')}] needs more than 2^53-1 bits`;
    }
  }
  const total = elements * bits;
  return total % 8 === 0 ? total / 8 : `${elements} elements of ${bits} bits do not fill whole bytes`;
}
