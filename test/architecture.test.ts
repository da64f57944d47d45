/** Who may call whom: the rules that a search of the sources can check. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Files below a folder, as paths from the root with forward slashes. */
function filesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name))
    .filter((name) => pattern.test(name))
    .sort();
}

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Files of lib that a file imports. */
function importsOf(file: string): string[] {
  const found = textOf(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g);
  return [...found].map((match) => relative(root, join(root, dirname(file), match[1]!)));
}

const lib = filesIn('lib', /\.ts$/);
const native = filesIn('native', /\.(cc|h)$/);

/** Includes of a native file, without brackets or quotes. */
const includesOf = (file: string): string[] =>
  [...textOf(file).matchAll(/^#include [<"]([^>"]+)[>"]/gm)].map((match) => match[1]!);

describe('lib', () => {
  // A folder may import from itself, from those it names, and from errors.ts.
  const allowed: Record<string, readonly string[]> = {
    'lib/ir': [],
    'lib/ops': ['lib/ir'],
    'lib/graph': ['lib/ops', 'lib/ir'],
    'lib/layers': ['lib/graph', 'lib/ops', 'lib/ir'],
    'lib/models': ['lib/layers', 'lib/graph', 'lib/ops', 'lib/ir'],
    'lib/io': [],
    'lib/data': ['lib/io'],
    'lib/train': ['lib/data', 'lib/layers', 'lib/ir'],
  };
  test.each(Object.entries(allowed))('%s imports nothing from above', (folder, below) => {
    const wrong = lib
      .filter((file) => file.startsWith(`${folder}/`))
      .flatMap((file) => importsOf(file).map((target) => `${file} -> ${target}`))
      .filter((edge) => {
        const target = edge.split(' -> ')[1]!;
        const inside = [folder, ...below].some((f) => target.startsWith(`${f}/`));
        return !inside && target !== 'lib/errors.ts';
      });
    expect(wrong).toEqual([]);
  });

  test('only native.ts loads the addon', () => {
    const loaders = lib.filter((file) => /createRequire|\.node\b'/.test(textOf(file)));
    expect(loaders).toEqual(['lib/native.ts']);
  });

  test('no any, no casts through unknown', () => {
    const casts = lib.filter((file) => /\bas any\b|: any\b|<any>|as unknown as/.test(textOf(file)));
    expect(casts).toEqual([]);
  });

  test('native code prints and exits nowhere', () => {
    const loud = native.filter((file) =>
      /\b(printf|std::cout|std::cerr|abort|exit)\s*[(<]/.test(textOf(file)),
    );
    expect(loud).toEqual([]);
  });
});

describe('native', () => {
  test('Node headers only in addon', () => {
    const users = native.filter((file) => includesOf(file).some((name) => /^(napi|node)/.test(name)));
    expect(users.filter((file) => !file.startsWith('native/addon/'))).toEqual([]);
  });

  test('oneDNN headers only in the CPU backend', () => {
    const users = native.filter((file) => includesOf(file).some((name) => /dnnl/.test(name)));
    expect(users.filter((file) => !file.startsWith('native/backends/cpu/'))).toEqual([]);
  });

  test('core reaches a backend through backend.h alone', () => {
    const edges = native
      .filter((file) => file.startsWith('native/core/'))
      .flatMap((file) => includesOf(file))
      .filter((name) => name.startsWith('backends/'));
    expect(new Set(edges)).toEqual(new Set(['backends/backend.h']));
  });

  test('every op of the table has its function in a file of its name', () => {
    const table = textOf('native/backends/cpu/ops/table.cc');
    const names = [...table.matchAll(/\{"(\w+)",\s*prepare_/g)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(30);
    const sources = native.filter(
      (file) => file.startsWith('native/backends/cpu/ops/') && file.endsWith('.cc'),
    );
    const all = sources.map(textOf).join('\n');
    expect(names.filter((name) => !all.includes(`prepare_${name.replace('_fused', '')}(`))).toEqual([]);
  });
});

test('sources stay within a readable size, or say why they do not', () => {
  const long = [...lib, ...native, ...filesIn('test', /\.ts$/)].filter((file) => {
    const lines = textOf(file).split('\n');
    return lines.length > 401 && !/stays whole/.test(lines.slice(0, 12).join('\n'));
  });
  expect(long).toEqual([]);
});
