import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { ArgumentError, FileError, floatImages, mnist, mnistClasses } from '../../lib/index.ts';
import { idx } from './bad_idx.ts';

const root = mkdtempSync(join(tmpdir(), 'senet-mnist-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function make(name: string): string {
  const directory = join(root, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'train-images-idx3-ubyte'), idx([3, 2, 2], 12));
  writeFileSync(join(directory, 'train-labels.idx1-ubyte'), idx([3], Uint8Array.of(4, 0, 9)));
  writeFileSync(join(directory, 't10k-images-idx3-ubyte.gz'), gzipSync(idx([1, 2, 2], 4)));
  writeFileSync(join(directory, 't10k-labels-idx1-ubyte'), idx([1], Uint8Array.of(5)));
  return directory;
}

test('reads the four files', async () => {
  const { train, test: held } = await mnist({ directory: make('good') });
  expect(train).toMatchObject({ size: 3, shape: [2, 2, 1], classes: 10 });
  expect(held.image(0).label).toBe(5);
  const [batch] = train.batches({ batchSize: 3 });
  expect([...batch!.labels].map((label) => mnistClasses[label])).toEqual(['4', '0', '9']);
  expect(floatImages(batch!)[0]).toBe(Math.fround(-0.1307 / 0.3081));
  const plain = await mnist({ directory: join(root, 'good'), normalize: false });
  expect(floatImages([...plain.train.batches({ batchSize: 3 })][0]!)[0]).toBe(0);
});

test('says what is wrong', async () => {
  const directory = make('bad');
  writeFileSync(join(directory, 't10k-labels-idx1-ubyte'), idx([1], Uint8Array.of(10)));
  await expect(mnist({ directory })).rejects.toThrow(
    /t10k-labels-idx1-ubyte: record 0: .* 0 to 9, received 10/,
  );
  rmSync(join(directory, 'train-images-idx3-ubyte'));
  const error: unknown = await mnist({ directory }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FileError);
  expect(String(error)).toMatch(
    /expected the MNIST files .*missing train-images-idx3-ubyte\. .*yann\.lecun\.com/,
  );
  await expect(mnist({} as never)).rejects.toThrow(/mnist: directory: expected a path/);
  await expect(mnist({ directory, normalize: 0 as never })).rejects.toThrow(ArgumentError);
});
