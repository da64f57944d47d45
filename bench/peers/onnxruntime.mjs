// onnxruntime-node as a contender of the benchmarks, with the protocol of pytorch.py: inference with a file that
// exportOnnx wrote.
//
//   node onnxruntime.mjs --onnx se_resnet50.onnx --batch 1
import { parseArgs } from 'node:util';
import ort from 'onnxruntime-node';
import { hashed } from '../random.mjs';
import { serve, timed } from './serve.mjs';
import { channelsFirst, readTensors } from './tensors.mjs';

const { values: options } = parseArgs({
  options: {
    onnx: { type: 'string' },
    images: { type: 'string' },
    batch: { type: 'string', default: '1' },
    size: { type: 'string', default: '224' },
    threads: { type: 'string', default: '2' },
    warmup: { type: 'string', default: '3' },
  },
});
if (options.onnx === undefined) throw new Error('--onnx: expected a file, received nothing');

const { ms: createMs, result: session } = await timed(() =>
  ort.InferenceSession.create(options.onnx, {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: Number(options.threads),
    interOpNumThreads: 1,
  }),
);

/** The images of the file, or some in about the range of normalised ones. */
function readImages() {
  if (options.images !== undefined) return channelsFirst(readTensors(options.images).get('images'));
  const shape = [Number(options.batch), 3, Number(options.size), Number(options.size)];
  return { shape, data: hashed(shape.reduce((a, b) => a * b)).map((v) => 3.4 * v) };
}

const { shape, data } = readImages();
const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, shape) };
const infer = async () => (await session.run(feeds))[session.outputNames[0]].data;

await serve(
  { contender: 'onnxruntime-node', version: ort.env.versions?.node, compilesAtCreation: true },
  infer,
  {
    warmup: Number(options.warmup),
    createMs,
  },
);
