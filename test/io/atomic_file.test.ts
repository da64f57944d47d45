import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArgumentError, FileError } from '../../lib/errors.ts';
import { writeFileAtomic } from '../../lib/io/atomic_file.ts';
import { interceptCalls, systemError } from './file_calls.ts';

const old = 'the old content';
const fresh = [
  new Uint8Array(100).fill(1),
  new Uint8Array(9 << 20).fill(2),
  new Uint8Array(0),
  new Uint8Array(1),
];
let folder: string;
let path: string;
let restore = () => {};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'senet-atomic-'));
  path = join(folder, 'model');
  writeFileSync(path, old);
});
afterEach(() => {
  restore();
  restore = () => {};
  rmSync(folder, { recursive: true });
});

function expectUntouched(): void {
  expect(readFileSync(path, 'utf8')).toBe(old);
  expect(readdirSync(folder)).toEqual(['model']);
}

describe('writing a file', () => {
  it('replaces the content and leaves no other file', async () => {
    await writeFileAtomic(path, fresh);
    expect(Buffer.compare(readFileSync(path), Buffer.concat(fresh))).toBe(0);
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('creates a file with a name of the greatest length', async () => {
    const long = join(folder, 'é'.repeat(127));
    await writeFileAtomic(long, fresh);
    expect(readFileSync(long).length).toBe(Buffer.concat(fresh).length);
  });

  it('completes short writes', async () => {
    let calls = 0;
    restore = await interceptCalls('write', ({ number, args }) => {
      calls = number;
      args[2] = Math.min(Number(args[2]), 1_000_003);
    });
    await writeFileAtomic(path, fresh);
    expect(calls).toBeGreaterThan(8);
    expect(Buffer.compare(readFileSync(path), Buffer.concat(fresh))).toBe(0);
  });

  it('syncs the file, renames it, then syncs the folder', async () => {
    const seen: string[] = [];
    restore = await interceptCalls('sync', async ({ handle }) => {
      const kind = (await handle.stat()).isDirectory() ? 'folder' : 'file';
      seen.push(`${kind} ${readFileSync(path, 'utf8') === old ? 'before' : 'after'} the rename`);
    });
    await writeFileAtomic(path, fresh);
    expect(seen).toEqual(['file before the rename', 'folder after the rename']);
  });

  it('lets the last of several writers win, with one whole file', async () => {
    const writers = Array.from({ length: 8 }, (_, i) =>
      writeFileAtomic(path, [new Uint8Array(1_000_000).fill(i)]),
    );
    await Promise.all(writers);
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(1_000_000);
    expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('replaces a link instead of following it', async () => {
    const link = join(folder, 'link');
    symlinkSync('model', link);
    await writeFileAtomic(link, fresh);
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(readFileSync(link).length).toBe(Buffer.concat(fresh).length);
  });
});

describe('a failed write leaves the old file and no other', () => {
  it.each([
    ['write', 1, 'ENOSPC'],
    ['write', 2, 'ENOSPC'],
    ['write', 3, 'EIO'],
    ['sync', 1, 'EIO'],
  ] as const)('%s, call %i: %s', async (method, call, code) => {
    restore = await interceptCalls(method, ({ number }) => {
      if (number === call) throw systemError(code);
    });
    const writing = writeFileAtomic(path, fresh);
    await expect(writing).rejects.toThrow(`${path}: cannot write: ${code}: simulated`);
    await expect(writing).rejects.toBeInstanceOf(FileError);
    await expect(writing).rejects.toMatchObject({ cause: { code } });
    expectUntouched();
    await writeFileAtomic(path, fresh);
    expect(readFileSync(path).length).toBe(Buffer.concat(fresh).length);
  });

  it('close: EIO', async () => {
    restore = await interceptCalls('sync', ({ handle }) => {
      const close = handle.close;
      handle.close = async () => {
        await close.call(handle);
        throw systemError('EIO');
      };
    });
    await expect(writeFileAtomic(path, fresh)).rejects.toThrow(`${path}: cannot write: EIO: simulated`);
    expectUntouched();
  });

  it('an array that is detached before or during the write', async () => {
    for (const first of [new Uint8Array(1), new Uint8Array(4 << 20)]) {
      const second = new Uint8Array(6 << 20);
      const writing = writeFileAtomic(path, [first, second]);
      structuredClone(second.buffer, { transfer: [second.buffer] });
      await expect(writing).rejects.toThrow(ArgumentError);
      expectUntouched();
    }
  });

  it('an abort before and during the write', async () => {
    await expect(writeFileAtomic(path, fresh, AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
    expectUntouched();
    const controller = new AbortController();
    restore = await interceptCalls('write', () => controller.abort(new Error('enough')));
    await expect(writeFileAtomic(path, fresh, controller.signal)).rejects.toThrow('enough');
    expectUntouched();
  });

  it('a folder that does not exist or may not be written to', async () => {
    await expect(writeFileAtomic(join(folder, 'no', 'model'), fresh)).rejects.toThrow(/cannot write: ENOENT/);
    await expect(writeFileAtomic(join(path, 'model'), fresh)).rejects.toThrow(/cannot write: ENOTDIR/);
    chmodSync(folder, 0o555);
    // Root may write everywhere: give that up for the moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      await expect(writeFileAtomic(path, fresh)).rejects.toThrow(/cannot write: EACCES/);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(folder, 0o755);
    }
    expectUntouched();
  });

  it('a folder, FIFO or device at the path', async () => {
    const other = mkdtempSync(join(tmpdir(), 'senet-atomic-'));
    mkdirSync(join(other, 'folder'));
    execFileSync('mkfifo', [join(other, 'fifo')]);
    await expect(writeFileAtomic(join(other, 'folder'), fresh)).rejects.toThrow(/found a directory/);
    await expect(writeFileAtomic(join(other, 'fifo'), fresh)).rejects.toThrow(
      /found a device, FIFO or socket/,
    );
    await expect(writeFileAtomic('/dev/full', fresh)).rejects.toThrow(/found a device, FIFO or socket/);
    expect(readdirSync(other).sort()).toEqual(['fifo', 'folder']);
    rmSync(other, { recursive: true });
  });
});

it('reports a folder that cannot be synced after the rename', async () => {
  let code = 'EIO';
  restore = await interceptCalls('sync', async ({ handle }) => {
    if ((await handle.stat()).isDirectory()) throw systemError(code);
  });
  await expect(writeFileAtomic(path, fresh)).rejects.toThrow(/EIO/);
  expect(readFileSync(path).length).toBe(Buffer.concat(fresh).length);
  // File systems that cannot sync a folder say so by EINVAL.
  code = 'EINVAL';
  await writeFileAtomic(path, fresh);
  expect(readdirSync(folder)).toEqual(['model']);
});
