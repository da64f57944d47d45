/** Layers that do not fit are found by the compiler, with messages that read as sentences. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const layers =
  'add, basicBlock, batchNorm, bottleneck, concat, conv2d, defineModel, flatten, globalAvgPool, linear, multiply, normTail, relu, squeezeExcite';

/** A program of one network; `body` sees the images `x`, a map of 64 channels `m64` and one of 256 `m256`. */
const source = (body: string): string => `
import { ${layers} } from './lib/layers/index.ts';
export const definition = defineModel({ input: [32, 32, 3] }, (x) => {
  const m64 = conv2d(x, { filters: 64, kernel: 3 });
  const m256 = conv2d(x, { filters: 256, kernel: 3 });
  const v64 = globalAvgPool(m64);
  ${body}
});
export const used = [${layers}];
`;

const end = 'return linear(globalAvgPool(m64), { units: 10 });';

const wrong: Record<string, [string, string]> = {
  'add of other channels': ['add(m256, m64);', 'add: the first input has 256 channels, the second has 64'],
  'multiply of other channels': [
    'multiply(m256, v64);',
    'multiply: the first input has 256 channels, the second has 64',
  ],
  'add of a map and a vector': [
    'add(m64, v64);',
    'add: the first input is a feature map, the second is a feature vector',
  ],
  'multiply of a vector by a map': [
    'multiply(v64, m64);',
    'multiply: the first input is a feature vector, the second is a feature map',
  ],
  'a tail with another squeeze': [
    "normTail(m64, { squeezeExcite: { squeeze: 'max' } });",
    `Type '"max"' is not assignable to type '"avg"'`,
  ],
  'linear on a map': [
    'linear(m64, { units: 10 });',
    'linear: expected a feature vector, received a feature map; use flatten or globalAvgPool first',
  ],
  'SE on a vector': [
    'squeezeExcite(v64);',
    'squeezeExcite: expected a feature map, received a feature vector',
  ],
  'convolution on a vector': [
    'conv2d(v64, { filters: 8, kernel: 1 });',
    'conv2d: expected a feature map, received a feature vector',
  ],
  'flatten of a vector': ['flatten(v64);', 'flatten: expected a feature map, received a feature vector'],
  'a shortcut of other channels': [
    'normTail(m256, { identity: m64 });',
    'normTail: the first input has 256 channels, the second has 64',
  ],
};

const right: Record<string, string> = {
  'plain layers': 'const y = relu(batchNorm(m64)); return linear(globalAvgPool(add(y, m64)), { units: 10 });',
  'channels that are not literals': `const n: number = 8; const a = conv2d(x, { filters: n, kernel: 1 }); add(a, m64);${end}`,
  blocks: `const b = bottleneck(basicBlock(m64, { filters: 64, se: {} }), { filters: 256 }); add(b, m256);${end}`,
  tails: `normTail(m64, { identity: m64, squeezeExcite: { gate: 'tanh' } }); ${end}`,
  'gates by a vector': `multiply(m64, v64); concat([m64, m256]); ${end}`,
  'features of either kind': `const f = (a: typeof m64 | typeof v64) => add(a, m64); f(m64); ${end}`,
  'a flattened map': 'return linear(flatten(m64), { units: 10 });',
};

/** se_resnet152 block by block. */
function residualNetwork(): string {
  const lines = [3, 8, 36, 3].flatMap((blocks, stage) =>
    Array.from({ length: blocks }, (_, i) => {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      return `bottleneck(PREVIOUS, { filters: ${256 << stage}, stride: ${stride}, se: { reduction: 16 } });`;
    }),
  );
  const chain = lines.map(
    (line, i) => `const b${i} = ${line.replace('PREVIOUS', i === 0 ? 'm64' : `b${i - 1}`)}`,
  );
  return [...chain, `return linear(globalAvgPool(b${chain.length - 1}), { units: 1000 });`].join('\n');
}

const files = new Map<string, string>([
  ...Object.entries(wrong).map(([name, [body]]) => [name, source(`${body}\n  ${end}`)] as const),
  ...Object.entries(right).map(([name, body]) => [name, source(body)] as const),
  ['se_resnet152', source(residualNetwork())],
]);
const pathOf = (name: string): string => join(root, `types-${name.replaceAll(' ', '-')}.ts`);

function compile(): ts.Program {
  const config = ts.parseConfigFileTextToJson(
    'tsconfig.json',
    readFileSync(join(root, 'tsconfig.json'), 'utf8'),
  );
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const sources = new Map([...files].map(([name, text]) => [pathOf(name), text]));
  Object.assign(options, { noUnusedLocals: false, noUnusedParameters: false });
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.readFile = (name) => sources.get(name) ?? readFile(name);
  host.getSourceFile = (name, version) => {
    const text = sources.get(name);
    return text === undefined ? getSourceFile(name, version) : ts.createSourceFile(name, text, version);
  };
  return ts.createProgram([...sources.keys()], options, host);
}

const program = compile();
const messages = (name: string): string[] =>
  program
    .getSemanticDiagnostics(program.getSourceFile(pathOf(name)))
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));

describe('does not compile', () => {
  test.each(Object.entries(wrong))('%s', (name, [, sentence]) => {
    const found = messages(name);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(sentence);
  });
});

describe('compiles', () => {
  test.each(Object.keys(right))('%s', (name) => {
    expect(messages(name)).toEqual([]);
  });

  test('se_resnet152, cheaply', () => {
    const before = program.getInstantiationCount();
    expect(messages('se_resnet152')).toEqual([]);
    const spent = program.getInstantiationCount() - before;
    console.log(`se_resnet152: ${spent} type instantiations`);
    expect(spent).toBeLessThan(2_000);
  });
});
