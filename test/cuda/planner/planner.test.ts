/**
 * The real cuDNN is asked, for devices that are described and not present, whether it has plans for every convolution
 * of every model. Skipped where cuDNN or the CUDA toolkit is absent. That a plan exists does not show that it is right.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { listModels } from '../../../lib/models/index.ts';
import { buildDriver, type DriverAnswer, findCudnn, type RunDriver } from './cudnn.ts';
import { lineOf, type Precision, type Problem, precisions, problemsOf } from './problems.ts';

const here = dirname(fileURLToPath(import.meta.url));
const BATCH = 32;
const root = dirname(dirname(dirname(here)));
const build = join(root, 'build/cuda-planner');
const devices = ['h100', 'a100'] as const;
const deviceFile = (device: string) => join(here, 'devices', `${device}.json`);

const found = findCudnn(join(root, 'build'));
const cudnn = typeof found === 'string' ? undefined : found;
const titled = (title: string) => (typeof found === 'string' ? `${title} (skipped: ${found})` : title);

/** Networks that came after the paper have more different convolutions than all before. */
const isLater = (name: string): boolean => /regnety|mobilenetv3|efficientnet/.test(name);

/**
 * The problems to plan in one precision: all of the paper's networks, and every fourth of the later ones, another for each
 * precision, so that each is planned for each device; all of them with SENET_PLANNER=all, which takes five minutes.
 */
function problemsIn(precision: Precision): Problem[] {
  const models = listModels();
  const paper = problemsOf(
    models.filter((name) => !isLater(name)),
    BATCH,
  );
  const known = new Set(paper.map((problem) => lineOf(problem, precision)));
  const turn = precisions.indexOf(precision);
  const later = problemsOf(models.filter(isLater), BATCH)
    .filter((problem) => !known.has(lineOf(problem, precision)))
    .filter((_, i) => process.env['SENET_PLANNER'] === 'all' || i % precisions.length === turn);
  return [...paper, ...later];
}

/** Puts another implementation into a plan's file, with the checksum that goes with it: 64-bit FNV-1a. */
function renameEngine(file: string): void {
  const [version, key, , , ...text] = readFileSync(file, 'latin1').split('\n');
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(`kept${text.join('\n')}`, 'latin1')) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  const lines = [version, key, 'kept', hash.toString(16).padStart(16, '0'), ...text];
  writeFileSync(file, lines.join('\n'), 'latin1');
}

describe.skipIf(cudnn === undefined)(titled('plans of the real cuDNN'), () => {
  let run: RunDriver;
  beforeAll(() => {
    run = buildDriver(cudnn!, here, build);
  }, 300_000);

  describe.each(devices)('%s', (device) => {
    test.each(precisions)(
      'every model, %s',
      (precision) => {
        const problems = problemsIn(precision);
        const lines = problems.map((problem) => lineOf(problem, precision));
        const answers = run(deviceFile(device), 1, lines);
        expect(lines.filter((_, i) => answers[i]!.plans === 0)).toEqual([]);
        const largest = Math.max(...answers.map(({ workspace }) => workspace));
        const ms = answers.reduce((sum, answer) => sum + answer.ms, 0);
        console.log(
          `${device} ${precision}: ${lines.length} problems, ${Math.round(ms)} ms, largest workspace ${Math.round(largest / 2 ** 20)} MiB`,
        );
      },
      300_000,
    );

    test('fused graphs', () => {
      const sizes = 'n=32 c=64 h=56 w=56 k=256';
      const planned: [string, Precision][] = [
        ['bias relu', 'float32'],
        ['bias relu', 'bfloat16'],
        ['bias residual relu', 'bfloat16'],
        ['bias gate residual relu', 'bfloat16'],
        ['input_norm', 'bfloat16'],
        ['input_norm bias relu', 'bfloat16'],
        ['bias relu sums', 'bfloat16'],
        ['bias gate residual relu sums', 'bfloat16'],
        ['statistics', 'bfloat16'],
      ];
      const lines = planned.map(([fusion, type]) => `conv forward ${sizes} ${type} ${fusion}`);
      const answers = run(deviceFile(device), 1, lines);
      const rows = answers.map(({ plans, implementation, ms }, i) => {
        const [fusion, type] = planned[i]!;
        return `${device}  ${type.padEnd(9)} ${fusion.padEnd(28)} ${plans > 0 ? implementation : '-'}  ${Math.round(ms)} ms`;
      });
      console.log(rows.join('\n'));
      // Sums are fused from Hopper on.
      const expected = planned.map(([fusion]) =>
        device === 'a100' && /sums|statistics/.test(fusion) ? 0 : 1,
      );
      expect(answers.map(({ plans }) => plans)).toEqual(expected);
    });

    test('plans kept in files are taken again', () => {
      const folder = mkdtempSync(join(tmpdir(), 'senet-plans-'));
      try {
        const sizes = 'n=32 c=64 h=56 w=56 k=256';
        const lines = [
          `conv forward ${sizes} float32`,
          `conv grad_weight ${sizes} float16 gradient=float16`,
          `conv forward ${sizes} bfloat16 bias gate residual relu`,
        ];
        const made = run(deviceFile(device), 1, lines, folder);
        const files = readdirSync(folder);
        expect(files).toHaveLength(lines.length);
        // Another name for the engines shows that the files are read.
        for (const file of files) renameEngine(join(folder, file));
        const taken = run(deviceFile(device), 1, lines, folder);
        expect(taken.map(({ implementation }) => implementation)).toEqual(lines.map(() => 'kept'));
        expect(taken.map(({ workspace }) => workspace)).toEqual(made.map(({ workspace }) => workspace));
        const ms = (answers: readonly DriverAnswer[]) =>
          answers.map((answer) => Math.round(answer.ms)).join(', ');
        console.log(`${device}: made in ${ms(made)} ms, taken from files in ${ms(taken)} ms`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});

describe.skipIf(cudnn === undefined)(titled("the emulation's cudnn.h"), () => {
  test('has the names and the numbers of the real one', () => {
    const header = readFileSync(join(root, 'native/backends/cuda_sim/include/cudnn.h'), 'utf8');
    const values = [...header.matchAll(/^\s*(CUDNN_\w+) = (\d+),?$/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    const inLine = [...header.matchAll(/\{ ((?:CUDNN_\w+ = \d+,? )+)\}/g)].flatMap(([, list]) =>
      [...list!.matchAll(/(CUDNN_\w+) = (\d+)/g)].map(([, name, value]) => [name, value]),
    );
    const all = [...values, ...inLine];
    expect(all.length).toBeGreaterThan(120);
    const checks = all.map(([name, value]) => `static_assert(${name} == ${value});`);
    // The functions: declared again with their types, a difference is an error.
    const declarations = header.slice(header.indexOf('size_t cudnnGetVersion'), header.lastIndexOf('}'));
    mkdirSync(build, { recursive: true });
    const file = join(build, 'header_check.cc');
    writeFileSync(file, `#include <cudnn.h>\n${checks.join('\n')}\nextern "C" {\n${declarations}}\n`);
    const folders = [join(cudnn!.root, 'include'), join(cudnn!.toolkit, 'include')];
    execFileSync('g++', ['-std=c++20', '-fsyntax-only', ...folders.map((folder) => `-I${folder}`), file], {
      stdio: 'pipe',
    });
  });
});
