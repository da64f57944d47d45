/** The documents say what is true: their TypeScript compiles against the library, and their commands exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { listModels } from '../../lib/index.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = ['data', 'gpu', 'resume', 'train', 'watch', 'what_se_does'].map((name) => `docs/${name}.md`);
const documents = ['README.md', ...pages].map((name) => [name, read(name)] as const);

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
  // All in one program: most of the time goes into reading the library's types.
  const sources = documents.flatMap(([name, text]) => {
    const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
    expect(blocks.length, name).toBeGreaterThanOrEqual(1);
    return blocks.map((block, i) => [join(root, `${name.replace(/\W/g, '-')}-${i}.ts`), block] as const);
  });
  expect(diagnose(new Map(sources))).toEqual([]);
});

test.each(documents)('commands of %s exist', (_, text) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: object };
  const code = [...text.matchAll(/```(\w*)\n[\s\S]*?```|`[^`]+`/g)]
    .filter(([, language]) => language === undefined || language === 'sh')
    .map(([part]) => part)
    .join('\n');
  const named = [...code.matchAll(/npm (?:run\s+)?(\w[\w:-]*)/g)].map((match) => match[1]!);
  const missing = named.filter((name) => !['ci', 'test'].includes(name) && !(name in scripts));
  const files = [...code.matchAll(/node (\w+\/[\w/]+\.mjs)/g)].map((match) => match[1]!);
  expect([...missing, ...files.filter((file) => !existsSync(join(root, file)))]).toEqual([]);
});

test.each(documents)('environment variables of %s are read somewhere', (_, text) => {
  const sources = ['lib', 'scripts', 'native', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|cc)$/.test(name))
      .map((name) => read(join(folder, name))),
  );
  const names = new Set(text.match(/\bSENET_\w+/g));
  expect([...names].filter((name) => !sources.some((source) => source.includes(name)))).toEqual([]);
});

test('the zoo is as it says', () => {
  const table = /\| names \|[\s\S]*?\n\n/.exec(read('README.md'))![0];
  const names = table
    .split('\n')
    .slice(2)
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1]!));
  expect(names.length).toBeGreaterThan(10);
  const models = Array.from<string>(listModels());
  const counterpart = (name: string) =>
    [`se_${name}`, `plain_${name}`].filter((other) => models.includes(other));
  expect(names.flatMap((name) => [name, ...counterpart(name)]).sort()).toEqual(models.sort());
});
