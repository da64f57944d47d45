/** Makes safetensors files by hand, right and wrong ones. */

/** JSON text for a tensor; parts may be any text. */
export function entry(dtype: string, shape: string, offsets: string): string {
  return `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
}

/** A file of a header (text or bytes), its stated length (default: the true one) and data. */
export function file(
  header: string | Uint8Array,
  data: Uint8Array | number = 0,
  length?: bigint | number,
): Uint8Array {
  const json = typeof header === 'string' ? Buffer.from(header) : header;
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length ?? json.byteLength));
  const bytes = typeof data === 'number' ? new Uint8Array(data) : data;
  return new Uint8Array(Buffer.concat([prefix, json, bytes]));
}

/** A valid file of four tensors with metadata, about 4 kB. */
export function validFile(): Uint8Array {
  const header = [
    '"__metadata__":{"format":"pt","note":"x"}',
    `"conv1.weight":${entry('F32', '[16,3,3,3]', '[8,1736]')}`,
    `"fc.weight":${entry('F32', '[10,50]', '[1736,3736]')}`,
    `"bn.num_batches_tracked":${entry('I64', '[]', '[0,8]')}`,
    `"fc.half":${entry('F16', '[2,3]', '[3736,3748]')}`,
  ];
  const data = new Uint8Array(3748);
  for (let i = 0; i < data.length; i++) data[i] = (i * 37) & 0xff;
  return file(`{${header.join(',')}}`, data);
}

/** Small seeded generator of numbers in [0, 1) for tests (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
