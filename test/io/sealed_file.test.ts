import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { openSealed, writeSealed } from '../../lib/io/sealed_file.ts';

const place = mkdtempSync(join(tmpdir(), 'senet-sealed-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

test('every changed bit of a file is found', async () => {
  const path = join(place, 'a.safetensors');
  const tensor = { dtype: 'F32' as const, shape: [2, 64], data: new Float32Array(128).fill(0.5) };
  await writeSealed(path, new Map([['a.weight', tensor]]), { metadata: [['note', 'of a run']] });
  const file = await openSealed(path);
  expect(await file.tensors.get('a.weight')!.toFloat32()).toEqual(tensor.data);
  expect(file.metadata.get('note')).toBe('of a run');
  await file.close();
  const bytes = readFileSync(path);
  const step = 7;
  for (let bit = 0; bit < 8 * bytes.length; bit += step) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(path, changed);
    await expect(openSealed(path), `bit ${bit}`).rejects.toThrow(FileError);
  }
  for (const size of [0, 7, 8, 100, bytes.length - 1]) {
    writeFileSync(path, bytes.subarray(0, size));
    await expect(openSealed(path), `${size} bytes`).rejects.toThrow(FileError);
  }
});
