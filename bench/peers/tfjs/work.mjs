// What TensorFlow.js is asked to do, by any of its backends. Results are awaited by `data()`, which is when they are there.
import { forward, inferenceLayers, planOf, trainingLayers } from './net.mjs';

/** What a contender's command says of its work. */
export const workOptions = {
  model: { type: 'string' },
  mode: { type: 'string' },
  weights: { type: 'string' },
  images: { type: 'string' },
  warmup: { type: 'string', default: '3' },
  batch: { type: 'string' },
  size: { type: 'string' },
  threads: { type: 'string' },
};

/** A step of SGD with momentum 0.9 and weight decay 1e-4 on all that is learned. */
function trainer(tf, plan, tensors, images, labels) {
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

function predictor(tf, plan, tensors, images) {
  const layers = inferenceLayers(tf, tensors);
  return async () => {
    const logits = tf.tidy(() => forward(tf, plan, layers, images));
    const values = await logits.data();
    logits.dispose();
    return values;
  };
}

/**
 * @param tensors weights, batch images and labels, as parseTensors gives them
 * @returns one inference or training step, which gives logits or the loss back
 */
export function createWork(tf, model, training, tensors, batch) {
  const { shape, data } = batch.get('images');
  const images = tf.tensor4d(data, shape);
  const plan = planOf(model);
  if (!training) return predictor(tf, plan, tensors, images);
  const classes = tensors.get('fc.bias').data.length;
  const labels = tf.cast(
    tf.oneHot(tf.tensor1d(Array.from(batch.get('labels').data), 'int32'), classes),
    'float32',
  );
  return trainer(tf, plan, tensors, images, labels);
}
