import { gzipSync } from 'node:zlib';

/** An IDX file of unsigned bytes. */
export function idx(
  shape: readonly number[],
  data: Uint8Array | number,
  magic = [0, 0, 8, shape.length],
): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set(magic);
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return new Uint8Array(Buffer.concat([header, typeof data === 'number' ? new Uint8Array(data) : data]));
}

export interface BadIdx {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly message: RegExp;
}

const bad = (name: string, bytes: Uint8Array, message: RegExp): BadIdx => ({ name, bytes, message });
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
/** Bytes that gzip cannot shrink much. */
const noise = (size: number) =>
  new Uint8Array(size).map((_, i) => (i * i * 31 + (i >> 3) * 7 + (i ^ (i >> 5)) * 13) & 0xff);
const good = idx([10, 6, 6], noise(360));
const packed = new Uint8Array(gzipSync(good));
const changed = (at: number, value: number) => packed.with(at < 0 ? packed.length + at : at, value);

/** Every kind of bad IDX or gzip file, with the message it must give. */
export const badIdx: readonly BadIdx[] = [
  bad('empty', new Uint8Array(0), /in the header at byte 0 of 4/),
  bad('3 bytes', good.slice(0, 3), /in the header at byte 3 of 4/),
  bad('sizes cut', good.slice(0, 15), /in the header at byte 15 of 16/),
  bad('text', new Uint8Array(Buffer.from('<html><body>Not found')), /magic number: .* received 0x3c68746d/),
  bad('magic number swapped', idx([4], 4, [1, 8, 0, 0]), /magic number: .* received 0x01080000/),
  bad('signed bytes', idx([4], 4, [0, 0, 9, 1]), /magic number: .* received 0x00000901/),
  bad('floats', idx([1], 4, [0, 0, 0x0d, 1]), /magic number: .* received 0x00000d01/),
  bad('no dimension', idx([], 4), /magic number: expected 1 to 4 dimensions, received 0/),
  bad(
    '255 dimensions',
    idx([4], 4, [0, 0, 8, 255]),
    /magic number: expected 1 to 4 dimensions, received 255/,
  ),
  bad(
    'one byte short',
    good.slice(0, -1),
    /expected 376 bytes \(header of 16 and 10 x 6 x 6\), the file has 375/,
  ),
  bad('one byte more', join(good, new Uint8Array(1)), /expected 376 bytes .*, the file has 377/),
  bad('no data', idx([10, 6, 6], 0), /expected 376 bytes .*, the file has 16/),
  bad('data of no records', idx([0, 6, 6], 5), /expected 16 bytes .* the file has 21/),
  bad('sizes 2^32-1 x 3', idx([0xffffffff, 0xffffffff, 0xffffffff], 0), /sizes: expected less than 2\^53/),
  bad('sizes 2^32-1 x 2', idx([0xffffffff, 0xffffffff], 0), /sizes: expected less than 2\^53/),
  bad('gzip: header cut', packed.slice(0, 8), /gzip data: unexpected end of file, in the header at byte 0/),
  bad(
    'gzip: cut in the data',
    packed.slice(0, packed.length >> 1),
    /gzip data: unexpected end of file, in record \d of 10/,
  ),
  bad('gzip: trailer cut', packed.slice(0, -1), /gzip data: unexpected end of file/),
  bad('gzip: wrong checksum', changed(-8, packed.at(-8)! ^ 1), /gzip data: incorrect data check/),
  bad('gzip: wrong length', changed(-4, packed.at(-4)! ^ 1), /gzip data: incorrect length check/),
  bad('gzip: wrong method', changed(2, 7), /gzip data: unknown compression method/),
  bad('gzip: wrong block', changed(10, 0xff), /gzip data: invalid block type/),
  bad(
    'gzip: text after it',
    join(packed, new Uint8Array(Buffer.from('tail'))),
    /gzip data: (incorrect header check|expected to end)/,
  ),
  bad('gzip: zeros after it', join(packed, new Uint8Array(4)), /gzip data: expected to end at byte/),
  bad('gzip: same member twice', join(packed, packed), /expected 360 bytes after the header, received more/),
  bad(
    'gzip: one byte more inside',
    gzipSync(join(good, new Uint8Array(1))),
    /expected 360 bytes after the header, received more/,
  ),
  bad(
    'gzip: one byte less inside',
    gzipSync(good.slice(0, -1)),
    /ended early, in record 9 of 10 \(byte 359 of 360\)/,
  ),
  bad('gzip: header only inside', gzipSync(good.slice(0, 10)), /ended early, in the header at byte 10 of 16/),
  bad('gzip: nothing inside', gzipSync(new Uint8Array(0)), /ended early, in the header at byte 0 of 4/),
  bad('gzip: gzip inside', gzipSync(packed), /magic number: .* received 0x1f8b0800/),
  bad(
    'gzip: bomb of 64 MB',
    gzipSync(join(good, new Uint8Array(64 << 20))),
    /expected 360 bytes after the header, received more/,
  ),
];

/** Files below 1 kB that claim to be huge, plain and compressed. */
export const lyingIdx: readonly BadIdx[] = [
  [2 ** 30],
  [2 ** 31],
  [0xffffffff],
  [2 ** 20, 32, 32],
  [60_000, 2 ** 14, 2],
  [0xffffffff, 1024],
  [0xffffffff, 0xffffffff],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
].flatMap((shape) => {
  const claim = shape.join(' x ');
  return [
    bad(claim, idx(shape, 100), /sizes: expected|expected \d+ bytes .*, the file has/),
    bad(
      `${claim}, gzip`,
      gzipSync(idx(shape, 100)),
      /sizes: expected|all that \d+ compressed bytes can hold/,
    ),
  ];
});
