/** The README says what is true: its TypeScript compiles against the library, and its commands exist. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { listModels } from '../../lib/index.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function diagnose(sources: ReadonlyMap<string, string>): string[] {
  const config = ts.parseConfigFileTextToJson(
    'tsconfig.json',
    readFileSync(join(root, 'tsconfig.json'), 'utf8'),
  );
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const compilerOptions: ts.CompilerOptions = {
    ...options,
    noUnusedLocals: false,
    paths: { senet: [join(root, 'lib/index.ts')] },
  };
  const host = ts.createCompilerHost(compilerOptions);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.readFile = (name) => sources.get(name) ?? readFile(name);
  host.getSourceFile = (name, version) => {
    const text = sources.get(name);
    return text === undefined ? getSourceFile(name, version) : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...sources.keys()], compilerOptions, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map((d) => `${d.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`);
}

test('TypeScript examples compile', () => {
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  const sources = new Map(blocks.map((text, i) => [join(root, `readme-${i}.ts`), text]));
  expect(diagnose(sources)).toEqual([]);
});

test('commands exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  const named = [...readme.matchAll(/npm (?:run\s+)?(\w[\w:-]*)/g)].map((match) => match[1]!);
  const missing = named.filter((name) => !['ci', 'test'].includes(name) && !(name in scripts));
  expect(missing).toEqual([]);
});

test('the zoo is as it says', () => {
  const depths = [14, 18, 20, 32, 34, 44, 50, 56, 101, 110, 152];
  expect(listModels()).toEqual([
    ...depths.map((depth) => `resnet${depth}`),
    ...depths.map((depth) => `se_resnet${depth}`),
  ]);
});
