import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { floatImages } from '../../lib/data/batch.ts';
import { fashionMnist, fashionMnistClasses } from '../../lib/data/fashion_mnist.ts';
import { ArgumentError, FileError } from '../../lib/errors.ts';
import { idx } from './bad_idx.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'senet-fashion-'));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

/** A folder with a tiny data set, its files named by a rule. */
function makeFolder(name: string, rename: (name: string) => string, testSide = 2): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  const files: [string, Uint8Array][] = [
    ['train-images-idx3-ubyte', idx([4, 2, 2], 16)],
    ['train-labels-idx1-ubyte', idx([4], new Uint8Array([0, 9, 1, 2]))],
    ['t10k-images-idx3-ubyte', idx([3, testSide, 2], 6 * testSide)],
    ['t10k-labels-idx1-ubyte', idx([3], new Uint8Array([7, 8, 9]))],
  ];
  for (const [plain, bytes] of files) {
    const renamed = rename(plain);
    writeFileSync(join(directory, renamed), renamed.endsWith('.gz') ? gzipSync(bytes) : bytes);
  }
  return directory;
}

describe('fashionMnist', () => {
  it.each<[string, (name: string) => string]>([
    ['plain', (name) => name],
    ['gzip', (name) => `${name}.gz`],
    ['dot', (name) => name.replace('-idx', '.idx')],
    ['dot and gzip', (name) => `${name.replace('-idx', '.idx')}.gz`],
    ['mixed', (name) => (name.startsWith('train') ? `${name}.gz` : name.replace('-idx', '.idx'))],
  ])('reads four files named: %s', async (name, rename) => {
    const directory = makeFolder(name, rename);
    const { train, test } = await fashionMnist({ directory });
    expect(train).toMatchObject({ size: 4, shape: [2, 2, 1], classes: 10 });
    expect(test).toMatchObject({ size: 3, shape: [2, 2, 1], classes: 10 });
    const [batch] = [...train.batches({ batchSize: 4 })];
    expect([...batch!.labels]).toEqual([0, 9, 1, 2]);
    expect(floatImages(batch!)[0]).toBe(Math.fround(-0.286 / 0.353));
    const plain = await fashionMnist({ directory, normalize: false });
    expect(floatImages([...plain.train.batches({ batchSize: 4 })][0]!)[0]).toBe(0);
  });

  it('looks where SENET_FASHION_MNIST points, unless a directory is given', async () => {
    const directory = makeFolder('variable', (name) => name);
    vi.stubEnv('SENET_FASHION_MNIST', directory);
    expect((await fashionMnist()).train.size).toBe(4);
    await expect(fashionMnist({ directory: folder })).rejects.toBeInstanceOf(FileError);
    vi.stubEnv('SENET_FASHION_MNIST', join(folder, 'nowhere'));
    await expect(fashionMnist()).rejects.toThrow(/nowhere: expected the Fashion-MNIST files/);
  });

  it('names what is missing and where to get it', async () => {
    const directory = makeFolder('incomplete', (name) => name);
    rmSync(join(directory, 't10k-labels-idx1-ubyte'));
    const error: unknown = await fashionMnist({ directory }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    for (const part of [
      'train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte',
      'missing t10k-labels-idx1-ubyte.',
      'apt install dataset-fashion-mnist',
      'https://github.com/zalandoresearch/fashion-mnist',
      'SENET_FASHION_MNIST',
      directory,
    ]) {
      expect(String(error)).toContain(part);
    }
  });

  it('refuses damaged files and wrong arguments', async () => {
    const directory = makeFolder('different', (name) => name, 3);
    await expect(fashionMnist({ directory })).rejects.toThrow(
      /t10k.*expected images of \[2,2,1\].*received \[3,2,1\]/,
    );
    writeFileSync(join(directory, 'train-labels-idx1-ubyte'), idx([4], new Uint8Array([0, 1, 10, 0])));
    await expect(fashionMnist({ directory })).rejects.toThrow(
      /train-labels-idx1-ubyte: record 2: .* received 10/,
    );
    await expect(fashionMnist({ directory: 1 as never })).rejects.toBeInstanceOf(ArgumentError);
    await expect(fashionMnist({ directory: '' })).rejects.toThrow(/fashionMnist: directory/);
    await expect(fashionMnist({ normalize: 'yes' as never })).rejects.toBeInstanceOf(ArgumentError);
    await expect(fashionMnist(null as never)).rejects.toBeInstanceOf(ArgumentError);
  });

  it('has ten class names', () => {
    expect(fashionMnistClasses.length).toBe(10);
    expect(fashionMnistClasses[9]).toBe('Ankle boot');
  });

  it.skipIf(!existsSync('/usr/share/datasets/fashion-mnist'))(
    'reads the Debian package',
    { timeout: 30_000 },
    async () => {
      vi.stubEnv('SENET_FASHION_MNIST', '');
      const { train, test } = await fashionMnist();
      expect(train).toMatchObject({ size: 60_000, shape: [28, 28, 1], classes: 10 });
      expect(test).toMatchObject({ size: 10_000, shape: [28, 28, 1], classes: 10 });
      const counts = new Int32Array(10);
      let sum = 0;
      let squares = 0;
      for (const batch of train.batches({ batchSize: 1000 })) {
        for (const label of batch.labels) counts[label]!++;
        for (const value of floatImages(batch)) {
          sum += value;
          squares += value * value;
        }
      }
      expect([...counts]).toEqual(Array(10).fill(6000));
      const mean = sum / (60_000 * 784);
      expect(Math.abs(mean)).toBeLessThan(0.001);
      expect(Math.abs(Math.sqrt(squares / (60_000 * 784) - mean * mean) - 1)).toBeLessThan(0.001);
      expect(Array.from({ length: 4 }, (_, i) => fashionMnistClasses[test.image(i).label])).toEqual([
        'Ankle boot',
        'Pullover',
        'Trouser',
        'Trouser',
      ]);
    },
  );
});
