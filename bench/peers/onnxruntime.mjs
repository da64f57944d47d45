// onnxruntime-node as a contender of the benchmarks, with the protocol of pytorch.py: it prints a "ready" line, then
// does one timed inference for each line "run" and prints {"ms": number}, until "exit" or the end of the input. With
// --rounds or --seconds it measures by itself.
//
//   node onnxruntime.mjs --onnx se_resnet50.onnx --batch 1
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import ort from 'onnxruntime-node';

const { values: options } = parseArgs({
  options: {
    onnx: { type: 'string' },
    batch: { type: 'string', default: '1' },
    size: { type: 'string', default: '224' },
    threads: { type: 'string', default: '2' },
    warmup: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '0' },
  },
});
if (options.onnx === undefined) throw new Error('--onnx: expected a file, received nothing');

/** Values in about the range of a normalised image, the same in every process. */
function pseudoRandom(length) {
  const data = new Float32Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (state / 2 ** 32 - 0.5) * 3.4;
  }
  return data;
}

const dims = [Number(options.batch), 3, Number(options.size), Number(options.size)];
const session = await ort.InferenceSession.create(options.onnx, {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  intraOpNumThreads: Number(options.threads),
  interOpNumThreads: 1,
});
const input = new ort.Tensor('float32', pseudoRandom(dims.reduce((a, b) => a * b)), dims);
const feeds = { [session.inputNames[0]]: input };

async function timed() {
  const start = performance.now();
  const outputs = await session.run(feeds);
  const ms = performance.now() - start;
  if (!outputs[session.outputNames[0]].data.every(Number.isFinite))
    throw new Error('the logits are not finite');
  return ms;
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function measure(rounds, seconds) {
  const times = [];
  const end = performance.now() + seconds * 1e3;
  while (times.length < rounds || performance.now() < end) times.push(await timed());
  times.sort((a, b) => a - b);
  const upper = times[times.length >> 1];
  const median = times.length % 2 === 1 ? upper : (upper + times[(times.length >> 1) - 1]) / 2;
  say({ median_ms: median, min_ms: times[0], max_ms: times[times.length - 1], rounds: times.length });
}

async function serve() {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === 'run') say({ ms: await timed() });
    else if (line.trim() === 'exit') return;
  }
}

for (let i = 0; i < Number(options.warmup); i++) await timed();
say({
  ready: true,
  contender: 'onnxruntime-node',
  version: ort.env.versions?.node,
  model: basename(options.onnx, '.onnx'),
});
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)];
if (rounds > 0 || seconds > 0) await measure(rounds, seconds);
else await serve();
process.exit(0);
