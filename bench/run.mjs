// The measures of the README, each by one command:
//
//   npm run bench                         every measure
//   npm run bench -- se-cost inference    some of them
//   npm run bench -- --rounds 5 --python .venv/bin/python
//   npm run bench -- zoo --models resnet18,se_resnet18
//
// Prints a JSON line for each result. PyTorch runs when --python has it, and is named when it has not;
// onnxruntime-node comes with the development packages and gets the files that exportOnnx writes.

import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Contender, compare, interleave, median } from './harness.mjs';
import { measureTail } from './tail.mjs';
import { measureTraffic } from './traffic.mjs';
import { measureZoo, withOnnxFile } from './zoo.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string' },
    models: { type: 'string' },
  },
});
const rounds = Number(options.rounds);

const say = (result) => console.log(JSON.stringify(result));

const senet = (model, mode, batch, size, extra = []) =>
  new Contender(`senet ${model}`, [
    process.execPath,
    join(here, 'contenders', 'senet.mjs'),
    ...['--model', model, '--mode', mode, '--batch', `${batch}`, '--size', `${size}`],
    // The stride places that the paper and the peers' nets have.
    ...(/resnet50$/.test(model) ? ['--stride-in', '1x1'] : []),
    ...['--threads', options.threads, ...extra],
  ]);

/** glibc keeps freed memory, without which PyTorch pays for page faults in every step. */
const keepMemory = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '34359738368',
  MALLOC_TOP_PAD_: '268435456',
};

/** PyTorch in its best mode, or null when it is not there. */
function pytorch(model, mode, batch, size) {
  if (options.python === undefined) return null;
  const command = [
    options.python,
    join(here, 'peers', 'pytorch.py'),
    ...['--model', model, '--mode', mode, '--batch', `${batch}`, '--size', `${size}`],
    ...['--threads', options.threads, '--variant', 'channels_last'],
  ];
  return new Contender('pytorch', command, keepMemory);
}

/** A net in onnxruntime-node, from a file that exportOnnx wrote. */
const onnxruntime = (file, batch, size) =>
  new Contender('onnxruntime-node', [
    process.execPath,
    join(here, 'peers', 'onnxruntime.mjs'),
    ...['--onnx', file, '--batch', `${batch}`, '--size', `${size}`, '--threads', options.threads],
  ]);

/** Interleaves the contenders that are there; reports the first against each other and gives the ratios back. */
async function versus(measure, contenders, turn) {
  const ratios = [];
  const present = contenders.filter((contender) => contender !== null);
  const ready = [];
  try {
    for (const contender of present) ready.push(await contender.ready());
    if (ready.length < 2) {
      say({ measure, skipped: 'the peer is not there' });
      return ratios;
    }
    const times = await interleave(ready, turn);
    for (const other of ready.slice(1)) {
      const compared = compare(times, ready[0].name, other.name);
      say({ measure, contender: ready[0].name, against: other.name, ...compared });
      ratios.push(compared.ratio);
    }
    return ratios;
  } finally {
    for (const contender of present) contender.stop();
  }
}

const seCost = (mode, batch, turn) =>
  versus(
    `SE cost, ${mode}, batch ${batch}`,
    [senet('se_resnet50', mode, batch, 224), senet('resnet50', mode, batch, 224)],
    turn,
  );

const measures = {
  'se-cost-training': () => seCost('train', 16, { rounds }),
  'se-cost-inference': async () => {
    await seCost('infer', 1, { rounds: 2 * rounds, perTurn: 11, drop: 3, pauseMs: 20 });
    await seCost('infer', 16, { rounds });
  },
  'inference-onnxruntime': () =>
    withOnnxFile('se_resnet50', { strideIn: '1x1' }, async ({ file, size }) => {
      for (const [batch, turn] of [
        [1, { rounds: 2 * rounds, perTurn: 11, drop: 3 }],
        [16, { rounds }],
      ]) {
        const contenders = [senet('se_resnet50', 'infer', batch, size), onnxruntime(file, batch, size)];
        await versus(`se_resnet50 inference, batch ${batch}`, contenders, turn);
      }
    }),
  zoo: () =>
    measureZoo(say, options.models?.split(','), ({ name, file, size }) =>
      versus(
        `${name}, ${size}x${size}, inference, batch 1`,
        [senet(name, 'infer', 1, size), onnxruntime(file, 1, size)],
        { rounds, perTurn: 3, pauseMs: 20 },
      ),
    ),
  'cifar-pytorch': () =>
    versus(
      'se_resnet20 training step, batch 128, 32x32',
      [senet('se_resnet20', 'train', 128, 32), pytorch('se_resnet20', 'train', 128, 32)],
      { rounds: 2 * rounds, perTurn: 3 },
    ),
  'training-pytorch': () =>
    versus(
      'se_resnet50 training step, batch 16',
      [senet('se_resnet50', 'train', 16, 224), pytorch('se_resnet50', 'train', 16, 224)],
      { rounds },
    ),
  tail: async () => say(await measureTail(Number(options.threads))),
  traffic: () => measureTraffic().forEach(say),
  'memory-and-loop': async () => {
    const contender = await senet('se_resnet50', 'train', 16, 224).ready();
    try {
      for (let i = 0; i < 4; i += 1) await contender.ask('run');
      say({
        measure: 'se_resnet50 training, batch 16: peak memory, event loop',
        ...(await contender.ask('stats')),
      });
    } finally {
      contender.stop();
    }
  },
  loader: async () => {
    const { measureLoader } = await import('./loader.mjs');
    (await measureLoader({ rounds, median })).forEach(say);
  },
  'live-page': async () => {
    const { measureLivePage } = await import('./live_page.mjs');
    say(await measureLivePage({ rounds: 2 * rounds, median, threads: Number(options.threads) }));
  },
  'loader-training': async () => {
    const { measureLoaderTraining } = await import('./loader_training.mjs');
    say(await measureLoaderTraining({ rounds, median, threads: Number(options.threads) }));
  },
  compile: async () => {
    const { measureCompile } = await import('./compile.mjs');
    for (const training of [true, false]) say(await measureCompile({ training, rounds: 3, median }));
  },
};

say({
  machine: cpus()[0].model,
  cores: cpus().length,
  node: process.version,
  threads: Number(options.threads),
});
const wanted = positionals.length === 0 ? Object.keys(measures) : positionals;
for (const name of wanted) {
  const run = measures[name];
  if (run === undefined)
    throw new Error(`bench: expected ${Object.keys(measures).join(', ')}, received '${name}'`);
  await run();
}
