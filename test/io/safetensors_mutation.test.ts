import { expect, it } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { file, seeded, validFile } from './build.ts';
import { type Content, readBytes } from './read_bytes.ts';

const seed = 20240607;
const count = 10_000;
const headerBytes = validFile().length - 3748 - 8;

interface Entry {
  dtype?: string;
  shape?: unknown;
  data_offsets?: unknown;
}
type Member = [string, Entry | Record<string, string>];

const numbers = [
  '0',
  '1',
  '2',
  '-1',
  '1.5',
  '4',
  '8',
  '27',
  '3748',
  '1e400',
  '9007199254740991',
  '18446744073709551615',
];
const dtypes = ['F32', 'F64', 'F16', 'BF16', 'I64', 'I32', 'U8', 'BOOL', 'F4', 'F8_E4M3', 'f32', 'F33', ''];

/** Changes one field of the parsed header, or the list of tensors, and writes it out again. */
function mutateStructure(random: () => number): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const original = validFile();
  const header: unknown = JSON.parse(Buffer.from(original.subarray(8, 8 + headerBytes)).toString());
  const members = Object.entries(header as Record<string, Entry>) as Member[];
  const changes = 1 + Math.floor(random() * 2);
  let data = original.subarray(8 + headerBytes);
  for (let i = 0; i < changes; i++) {
    const at = 1 + Math.floor(random() * (members.length - 1));
    const [name, value] = members[at]!;
    const tensor: Entry = { ...value };
    const literal = `#${pick(numbers)}#`;
    const kind = Math.floor(random() * 10);
    if (kind === 0) tensor.dtype = pick(dtypes);
    else if (kind === 1) tensor.shape = [literal];
    else if (kind === 2) tensor.shape = [...(Array.isArray(tensor.shape) ? tensor.shape : []), literal];
    else if (kind === 3) tensor.data_offsets = [literal, `#${pick(numbers)}#`];
    else if (kind === 4) delete tensor[pick(['dtype', 'shape', 'data_offsets'] as const)];
    else if (kind === 5) members.push([pick([name, '__proto__', '', 'other']), tensor]);
    else if (kind === 6) data = data.subarray(0, Math.floor(random() * (data.length + 1)));
    else if (kind === 7) members.reverse();
    else if (kind === 8) tensor.shape = Array.isArray(tensor.shape) ? [...tensor.shape].reverse() : literal;
    else members[at] = [pick(['a', 'b\u0000', 'é😀', '__metadata__', name]), tensor];
    if (kind < 5 || kind === 8) members[at] = [name, tensor];
  }
  const text = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
  return file(`{${text}}`.replaceAll(/"#(.*?)#"/g, '$1'), data);
}

/** Flips, overwrites, removes, inserts or cuts bytes anywhere. */
function mutateBytes(random: () => number): Uint8Array {
  const bytes = [...validFile()];
  const changes = 1 + Math.floor(random() * 3);
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random() * (random() < 0.4 ? 8 + headerBytes : bytes.length));
    const kind = Math.floor(random() * 10);
    if (kind < 5) bytes[at]! ^= 1 << Math.floor(random() * 8);
    else if (kind < 8) bytes[at] = Math.floor(random() * 256);
    else if (kind === 8) bytes.splice(at, 1 + Math.floor(random() * 4));
    else if (random() < 0.5) bytes.splice(at, 0, bytes[at] ?? 0);
    else bytes.length = at;
  }
  return Uint8Array.from(bytes);
}

/** What must hold for everything that is accepted, computed apart from the reader. */
function checkAccepted(bytes: Uint8Array, tensors: Content['tensors']): void {
  const dataBytes = bytes.length - 8 - Number(new DataView(bytes.buffer).getBigUint64(0, true));
  let total = 0;
  for (const { dtype, shape, data } of tensors.values()) {
    const bits = dtype === 'BOOL' ? 8 : dtype === 'BF16' ? 16 : Number(/\d+/.exec(dtype)![0]);
    expect(data.length * 8).toBe(shape.reduce((product, size) => product * size, 1) * bits);
    total += data.length;
  }
  expect(total).toBe(dataBytes);
}

it(`survives ${count} mutated files (seed ${seed})`, { timeout: 60_000 }, async () => {
  const random = seeded(seed);
  const outcomes = { accepted: 0, header: 0, tensor: 0 };
  let slowest = 0;
  for (let i = 0; i < count; i++) {
    const bytes = i % 2 === 0 ? mutateStructure(random) : mutateBytes(random);
    const start = performance.now();
    try {
      checkAccepted(bytes, (await readBytes(bytes, 'mutated')).tensors);
      outcomes.accepted++;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (/^mutated: (tensor '|data: )/.test(error.message)) outcomes.tensor++;
      else outcomes.header++;
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  console.log(
    `seed ${seed}: ${outcomes.accepted} accepted, ${outcomes.header} rejected in the header's text, ` +
      `${outcomes.tensor} rejected by what it says of the tensors, slowest ${slowest.toFixed(1)} ms`,
  );
  expect(outcomes.accepted + outcomes.tensor).toBeGreaterThan(count * 0.3);
  expect(slowest).toBeLessThan(1000);
});
