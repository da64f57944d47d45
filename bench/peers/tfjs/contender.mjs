// TensorFlow.js as a contender of the benchmarks, with the protocol of pytorch.py. Results are awaited by `data()`, which is
// when they are there.
//
//   node contender.mjs --backend node --model se_resnet50 --mode infer --weights weights.safetensors --images images.safetensors
import { parseArgs } from 'node:util';
import { serve, timed } from '../serve.mjs';
import { readTensors } from '../tensors.mjs';
import { loadBackend } from './backend.mjs';
import { forward, inferenceLayers, planOf, trainingLayers } from './net.mjs';

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string' },
    model: { type: 'string' },
    mode: { type: 'string' },
    weights: { type: 'string' },
    images: { type: 'string' },
    warmup: { type: 'string', default: '3' },
    batch: { type: 'string' },
    size: { type: 'string' },
    threads: { type: 'string' },
  },
});
const { tf, version } = await loadBackend(options.backend);
const tensors = readTensors(options.weights);
const batch = readTensors(options.images);
const plan = planOf(options.model);
const training = options.mode === 'train';

/** A step of SGD with momentum 0.9 and weight decay 1e-4 on all that is learned. */
function trainer(images, labels) {
  const { layers, variables } = trainingLayers(tf, tensors);
  const byName = new Map([...variables.values()].map((variable) => [variable.name, variable]));
  const optimizer = tf.train.momentum(0.001, 0.9);
  return async () => {
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => tf.losses.softmaxCrossEntropy(labels, forward(tf, plan, layers, images)),
        [...byName.values()],
      );
      const decayed = Object.entries(grads).map(([name, grad]) => ({
        name,
        tensor: tf.add(grad, tf.mul(byName.get(name), 1e-4)),
      }));
      optimizer.applyGradients(decayed);
      return value;
    });
    const [number] = await loss.data();
    loss.dispose();
    return number;
  };
}

function predictor(images) {
  const layers = inferenceLayers(tf, tensors);
  return async () => {
    const logits = tf.tidy(() => forward(tf, plan, layers, images));
    const values = await logits.data();
    logits.dispose();
    return values;
  };
}

function create() {
  const { shape, data } = batch.get('images');
  const images = tf.tensor4d(data, shape);
  if (!training) return predictor(images);
  const classes = tensors.get('fc.bias').data.length;
  const labels = tf.cast(
    tf.oneHot(tf.tensor1d(Array.from(batch.get('labels').data), 'int32'), classes),
    'float32',
  );
  return trainer(images, labels);
}

const { ms: createMs, result: iteration } = await timed(create);
const info = { contender: `tfjs-${options.backend}`, version };
await serve(info, iteration, { training, warmup: Number(options.warmup), createMs });
