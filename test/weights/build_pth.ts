/** Makes PyTorch's files by hand, right and wrong ones. */
import { crc32 } from 'node:zlib';

const u16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value: number | bigint): number[] => [
  ...Buffer.from(new BigUint64Array([BigInt(value)]).buffer),
];

/** Writes a pickle, opcode by opcode. */
export class Pickle {
  readonly #bytes: number[] = [];

  constructor(protocol = 2) {
    this.op(0x80, protocol);
  }

  op(...bytes: number[]): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  /** A Python name such as `torch._utils._rebuild_tensor_v2`. */
  global(name: string): this {
    const dot = name.lastIndexOf('.');
    return this.op(0x63, ...Buffer.from(`${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`));
  }

  text(value: string | Uint8Array): this {
    const bytes = Buffer.from(value);
    return this.op(0x58, ...u32(bytes.byteLength), ...bytes);
  }

  int(value: number | bigint): this {
    if (typeof value === 'number' && value >= 0 && value < 256) return this.op(0x4b, value);
    if (typeof value === 'number' && Math.abs(value) < 2 ** 31) return this.op(0x4a, ...u32(value | 0));
    return this.op(0x8a, 9, ...u64(BigInt.asUintN(64, BigInt(value))), 0);
  }

  mark(): this {
    return this.op(0x28);
  }

  tuple(...write: (() => unknown)[]): this {
    this.mark();
    for (const part of write) part();
    return this.op(0x74);
  }

  ints(values: readonly (number | bigint)[]): this {
    return this.tuple(...values.map((value) => () => this.int(value)));
  }

  orderedDict(): this {
    return this.global('collections.OrderedDict').op(0x29, 0x52);
  }

  /** A tensor, as `_rebuild_tensor_v2` makes it. */
  tensor(spec: TensorSpec): this {
    const { type = 'torch.FloatStorage', key = '0', elements = 4, offset = 0, shape = [2, 2] } = spec;
    const { strides = [2, 1], rebuild = 'torch._utils._rebuild_tensor_v2', view } = spec;
    const id = [
      () => this.text(spec.word ?? 'storage'),
      () => this.global(type),
      () => this.text(key),
      () => this.text('cpu'),
      () => this.int(elements),
      ...(view === undefined ? [] : [() => (view === null ? this.op(0x4e) : this.view(view))]),
    ];
    this.global(rebuild).mark();
    this.tuple(...id).op(0x51);
    this.int(offset).ints(shape).ints(strides).op(0x89).orderedDict();
    return this.op(0x74, 0x52);
  }

  view([offset, length]: readonly [number, number]): this {
    return this.tuple(
      () => this.text('view'),
      () => this.int(offset),
      () => this.int(length),
    );
  }

  bytes(): Uint8Array {
    return Uint8Array.from([...this.#bytes, 0x2e]);
  }
}

export interface TensorSpec {
  readonly word?: string;
  readonly type?: string;
  readonly key?: string;
  readonly elements?: number | bigint;
  readonly offset?: number | bigint;
  readonly shape?: readonly (number | bigint)[];
  readonly strides?: readonly (number | bigint)[];
  readonly rebuild?: string;
  readonly view?: readonly [number, number] | null;
}

/** The pickle of a state dict. */
export function stateDict(tensors: Readonly<Record<string, TensorSpec>>): Uint8Array {
  const pickle = new Pickle().orderedDict().mark();
  for (const [name, spec] of Object.entries(tensors)) pickle.text(name).tensor(spec);
  return pickle.op(0x75).bytes();
}

/** A record of a zip archive; what is given replaces what would be right. */
export interface RecordSpec {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly crc?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly stored?: number;
  readonly header?: number;
  readonly localName?: string;
  readonly extra?: number[];
}

export interface ZipSpec {
  /** Writes sizes and positions in 64 bits. */
  readonly wide?: boolean;
  readonly entries?: number;
  readonly directory?: number;
  readonly directoryBytes?: number;
  readonly disk?: number;
  readonly end64?: number;
  readonly comment?: string;
}

/** A zip archive of stored records. */
export function zip(records: readonly RecordSpec[], spec: ZipSpec = {}): Uint8Array {
  const { wide = false } = spec;
  const body: Uint8Array[] = [];
  const central: number[] = [];
  let at = 0;
  for (const record of records) {
    const name = Buffer.from(record.name);
    const local = Buffer.from(record.localName ?? record.name);
    const crc = record.crc ?? crc32(record.bytes);
    const size = record.size ?? record.bytes.byteLength;
    const stored = record.stored ?? size;
    const method = record.method ?? 0;
    const head = [...u16(20), ...u16(record.flags ?? 0x800), ...u16(method), ...u32(0), ...u32(crc)];
    const sizes = wide ? [...u32(0xffffffff), ...u32(0xffffffff)] : [...u32(stored), ...u32(size)];
    const header = record.header ?? at;
    const extra =
      record.extra ?? (wide ? [...u16(1), ...u16(24), ...u64(size), ...u64(stored), ...u64(header)] : []);
    const start = Uint8Array.from([
      ...u32(0x04034b50),
      ...head,
      ...sizes,
      ...u16(local.byteLength),
      ...u16(0),
      ...local,
    ]);
    central.push(...u32(0x02014b50), ...u16(20), ...head, ...sizes);
    central.push(...u16(name.byteLength), ...u16(extra.length), ...u16(0), ...u16(0), ...u16(0), ...u32(0));
    central.push(...u32(wide ? 0xffffffff : header), ...name, ...extra);
    body.push(start, record.bytes);
    at += start.byteLength + record.bytes.byteLength;
  }
  const begin = spec.directory ?? at;
  const bytes = spec.directoryBytes ?? central.length;
  const count = spec.entries ?? records.length;
  const end64 = wide
    ? [
        ...[...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0)],
        ...[...u64(count), ...u64(count), ...u64(bytes), ...u64(begin)],
        ...[...u32(0x07064b50), ...u32(0), ...u64(spec.end64 ?? at + central.length), ...u32(1)],
      ]
    : [];
  const comment = Buffer.from(spec.comment ?? '');
  const [shown, position] = wide ? [0xffff, 0xffffffff] : [count, begin];
  const end = [...u32(0x06054b50), ...u16(spec.disk ?? 0), ...u16(0), ...u16(shown), ...u16(shown)];
  const tail = [...end, ...u32(wide ? 0xffffffff : bytes), ...u32(position), ...u16(comment.byteLength)];
  return new Uint8Array(Buffer.concat([...body, Uint8Array.from([...central, ...end64, ...tail]), comment]));
}

/** A file of the zip format: the pickle, and each storage's bytes by key. */
export function zipFile(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = { 0: new Uint8Array(16) },
  spec: ZipSpec = {},
): Uint8Array {
  return zip(
    [
      { name: 'archive/data.pkl', bytes: pickle },
      { name: 'archive/byteorder', bytes: Buffer.from('little') },
      ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes })),
      { name: 'archive/version', bytes: Buffer.from('3\n') },
    ],
    spec,
  );
}

export interface StreamSpec {
  readonly magic?: Uint8Array;
  readonly protocol?: Uint8Array;
  readonly machine?: Uint8Array;
  readonly keys?: Uint8Array;
  /** Number of elements and bytes of each storage. */
  readonly storages?: readonly (readonly [elements: number | bigint, bytes: Uint8Array])[];
}

export const magic = Uint8Array.of(
  ...[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e],
);

/** The list of storage keys. */
export function keyList(...keys: string[]): Uint8Array {
  const pickle = new Pickle().op(0x5d).mark();
  for (const key of keys) pickle.text(key);
  return pickle.op(0x65).bytes();
}

/** A file of the format before the zip. */
export function streamFile(object: Uint8Array, spec: StreamSpec = {}): Uint8Array {
  const machine = new Pickle().op(0x7d).text('little_endian').op(0x88, 0x73).bytes();
  const storages = spec.storages ?? [[4, new Uint8Array(16)] as const];
  return new Uint8Array(
    Buffer.concat([
      spec.magic ?? magic,
      spec.protocol ?? new Pickle().op(0x4d, ...u16(1001)).bytes(),
      spec.machine ?? machine,
      object,
      spec.keys ?? keyList('0'),
      ...storages.flatMap(([elements, bytes]) => [
        Uint8Array.from(u64(BigInt.asUintN(64, BigInt(elements)))),
        bytes,
      ]),
    ]),
  );
}

/** A valid file of four tensors, one of them of half precision, two that share a storage. */
export function validPth(kind: 'zip' | 'stream'): Uint8Array {
  const storages = [new Uint8Array(216), new Uint8Array(24), new Uint8Array(8)] as const;
  for (const bytes of storages) bytes.set(bytes.map((_, i) => (i * 37) & 0x3f));
  const pickle = stateDict({
    'conv1.weight': { key: '0', elements: 54, shape: [2, 3, 3, 3], strides: [27, 1, 9, 3] },
    'fc.weight': { key: '1', type: 'torch.HalfStorage', elements: 12, shape: [2, 3], strides: [3, 1] },
    'fc.bias': { key: '1', type: 'torch.HalfStorage', elements: 12, offset: 6, shape: [6], strides: [1] },
    'bn1.num_batches_tracked': { key: '2', type: 'torch.LongStorage', elements: 1, shape: [], strides: [] },
  });
  if (kind === 'zip') return zipFile(pickle, { 0: storages[0], 1: storages[1], 2: storages[2] });
  const keys = keyList('0', '1', '2');
  return streamFile(pickle, {
    keys,
    storages: [
      [54, storages[0]],
      [12, storages[1]],
      [1, storages[2]],
    ],
  });
}
