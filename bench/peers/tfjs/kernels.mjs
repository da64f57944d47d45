// TensorFlow.js' kernels as a contender of the suite `kernels`; specs are those of bench/kernel_shapes.mjs. Its backends for
// Node compute before a call returns; one value of the result is read all the same. A backward pass is that of `tf.grads`.
//
//   node kernels.mjs --backend node
import { parseArgs } from 'node:util';
import { numbersOf } from '../../kernel_numbers.mjs';
import { serveKernels } from '../serve_kernels.mjs';
import { loadBackend } from './backend.mjs';

const { values: options } = parseArgs({
  options: { backend: { type: 'string' }, threads: { type: 'string' } },
});
const { tf, version } = await loadBackend(options.backend);

const numbers = (name, shape) => tf.tensor(numbersOf(name, shape), shape);
const same = (result) => result;

/** Functions that compute a spec's result, and that bring it into senet's order, to be checked. */
const operations = {
  conv2d({ direction, n, size, c, k, kernel, stride }) {
    const out = size / stride;
    const before = stride === 1 || kernel === 1 ? 0 : (kernel - 1) / 2;
    const pad = before === 0 ? 'same' : 'valid';
    const filterShape = [kernel, kernel, c, k];
    const attributes = { strides: stride, pad, dataFormat: 'NHWC' };
    const images = () =>
      tf.pad(numbers('x', [n, size, size, c]), [
        [0, 0],
        [before, before],
        [before, before],
        [0, 0],
      ]);
    const filter = () => tf.transpose(numbers('weight', [k, c, kernel, kernel]), [2, 3, 1, 0]);
    const dy = () => numbers('dy', [n, out, out, k]);
    if (direction === 'forward') {
      const [x, w] = [images(), filter()];
      return [() => tf.conv2d(x, w, stride, pad), same];
    }
    if (direction === 'input') {
      const inputs = { dy: dy(), filter: filter() };
      const inputShape = [n, size, size, c];
      return [
        () => tf.engine().runKernel('Conv2DBackpropInput', inputs, { ...attributes, inputShape }),
        same,
      ];
    }
    const inputs = { x: images(), dy: dy() };
    return [
      () => tf.engine().runKernel('Conv2DBackpropFilter', inputs, { ...attributes, filterShape }),
      (result) => tf.transpose(result, [3, 2, 0, 1]),
    ];
  },
  tail({ direction, n, size, c, norm, se, identity }) {
    const shape = [n, size, size, c];
    const x = numbers('x', shape);
    const learned = norm ? ['gamma', 'beta'].map((name) => numbers(name, [c])) : [];
    const shortcut = identity ? numbers('identity', shape) : undefined;
    const shapes = { w1: [c / 16, c], b1: [c / 16], w2: [c, c / 16], b2: [c] };
    const excitation = se ? Object.entries(shapes).map(([name, each]) => numbers(name, each)) : [];
    const forward = (map, ...weights) => {
      const [gamma, beta] = weights;
      const [w1, b1, w2, b2] = weights.slice(learned.length);
      let y = map;
      if (norm) {
        const { mean, variance } = tf.moments(map, [0, 1, 2]);
        y = tf.batchNorm(map, mean, variance, beta, gamma, 1e-5);
      }
      if (se) {
        const hidden = tf.relu(tf.add(tf.matMul(tf.mean(y, [1, 2]), w1, false, true), b1));
        const gate = tf.sigmoid(tf.add(tf.matMul(hidden, w2, false, true), b2));
        y = tf.mul(y, tf.reshape(gate, [n, 1, 1, c]));
      }
      if (identity) y = tf.add(y, shortcut);
      return norm ? tf.relu(y) : y;
    };
    return withGradient(direction, forward, [x, ...learned, ...excitation], shape);
  },
  max_pool({ direction, n, size, c }) {
    // TensorFlow.js pools with the least value around maps where the padding is 'same', which lies at the end alone.
    const least = -1;
    const forward = (x) =>
      tf.maxPool(
        tf.pad(
          x,
          [
            [0, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ],
          least,
        ),
        3,
        2,
        'valid',
      );
    return withGradient(direction, forward, [numbers('x', [n, size, size, c])], [n, size / 2, size / 2, c]);
  },
  global_avg_pool: ({ direction, n, size, c }) =>
    withGradient(direction, (x) => tf.mean(x, [1, 2]), [numbers('x', [n, size, size, c])], [n, c]),
  linear({ direction, n, c, k }) {
    const forward = (x, weight, bias) => tf.add(tf.matMul(x, weight, false, true), bias);
    const inputs = [numbers('x', [n, c]), numbers('weight', [k, c]), numbers('bias', [k])];
    return withGradient(direction, forward, inputs, [n, k]);
  },
};

function withGradient(direction, forward, inputs, shape) {
  if (direction === 'forward') return [() => forward(...inputs), same];
  const dy = numbers('dy', shape);
  const gradients = tf.grads(forward);
  return [() => gradients(inputs, dy)[0], same];
}

function open(spec) {
  tf.engine().startScope();
  const close = () => tf.engine().endScope();
  try {
    const [compute, order] = operations[spec.kind](spec);
    const run = () => {
      const start = performance.now();
      tf.tidy(() => {
        const result = compute();
        tf.slice(result, Array(result.rank).fill(0), Array(result.rank).fill(1)).dataSync();
      });
      return performance.now() - start;
    };
    return { result: tf.tidy(() => order(compute()).dataSync()), run, close };
  } catch (error) {
    close();
    throw error;
  }
}

await serveKernels({ contender: `tfjs-${options.backend}`, version }, open);
