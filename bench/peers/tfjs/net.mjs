// ResNets of senet's zoo in TensorFlow.js, with weights under senet's names: maps are NHWC, which is the layout its
// backends have, and padding that TensorFlow's 'same' does not mean is done by `pad`, as in Keras' ResNets.

const STAGES = {
  resnet50: { blocks: [3, 4, 6, 3], bottleneck: true },
  resnet20: { blocks: [3, 3, 3], bottleneck: false },
};
const EPSILON = 1e-5;

/** The shape of a model by its name; strides of bottlenecks are in their first 1x1 convolution. */
export function planOf(model) {
  const kind = STAGES[model.replace(/^se_/, '')];
  if (kind === undefined)
    throw new Error(`model: expected se_resnet50, resnet50, se_resnet20 or resnet20, received ${model}`);
  return { ...kind, se: model.startsWith('se_') };
}

/**
 * The forward pass.
 *
 * @param layers what a convolution with its norm, an FC layer and the rest are in this form of the net:
 *   `convNorm(x, conv, norm, { stride, kernel, relu })` and `dense(x, name)`
 */
export function forward(tf, plan, layers, images) {
  const { convNorm, dense } = layers;
  const excite = (x, name) => {
    const squeezed = tf.mean(x, [1, 2], true);
    const hidden = tf.relu(convNorm(squeezed, `${name}.fc1`, null, { kernel: 1, stride: 1 }));
    return tf.mul(x, tf.sigmoid(convNorm(hidden, `${name}.fc2`, null, { kernel: 1, stride: 1 })));
  };
  const block = (x, name, stride, isFirst) => {
    const [first, kernels] = plan.bottleneck ? [stride, [1, 3, 1]] : [stride, [3, 3]];
    let y = x;
    for (const [i, kernel] of kernels.entries()) {
      const options = { kernel, stride: i === 0 ? first : 1, relu: i < kernels.length - 1 };
      y = convNorm(y, `${name}.conv${i + 1}`, `${name}.bn${i + 1}`, options);
    }
    if (plan.se) y = excite(y, `${name}.se`);
    // The first block of a stage changes the shape, but for that of a CIFAR net's first stage.
    const shortcut = isFirst
      ? convNorm(x, `${name}.downsample.0`, `${name}.downsample.1`, { kernel: 1, stride })
      : x;
    return tf.relu(tf.add(y, shortcut));
  };
  let x = convNorm(images, 'conv1', 'bn1', {
    kernel: plan.bottleneck ? 7 : 3,
    stride: plan.bottleneck ? 2 : 1,
    relu: true,
  });
  // Behind a ReLU zeros never win.
  if (plan.bottleneck)
    x = tf.maxPool(
      tf.pad(x, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]),
      3,
      2,
      'valid',
    );
  for (const [stage, count] of plan.blocks.entries())
    for (let i = 0; i < count; i += 1) {
      const changes = i === 0 && (stage > 0 || plan.bottleneck);
      x = block(x, `layer${stage + 1}.${i}`, i === 0 && stage > 0 ? 2 : 1, changes);
    }
  return dense(tf.mean(x, [1, 2]), 'fc');
}

/** Padding of a convolution: TensorFlow's 'same' is symmetric where the stride is 1. */
function padded(tf, x, kernel, stride) {
  if (kernel === 1 || stride === 1) return [x, 'same'];
  const side = [(kernel - 1) / 2, (kernel - 1) / 2];
  return [tf.pad(x, [[0, 0], side, side, [0, 0]]), 'valid'];
}

/** A weight [K, C, kh, kw] as TensorFlow has it, [kh, kw, C, K]. */
const hwio = (tf, { shape, data }) => tf.tidy(() => tf.transpose(tf.tensor(data, shape), [2, 3, 1, 0]));

/** The net for inference: norms folded into their convolutions, bias and ReLU fused, as TensorFlow's converter does. */
export function inferenceLayers(tf, tensors) {
  const vector = (name) => tf.tensor1d(tensors.get(name).data);
  const folded = new Map();
  const fold = (conv, norm) =>
    tf.tidy(() => {
      const filter = hwio(tf, tensors.get(`${conv}.weight`));
      if (norm === null) return { filter, bias: vector(`${conv}.bias`) };
      const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
        vector(`${norm}.${part}`),
      );
      const scale = tf.div(gamma, tf.sqrt(tf.add(variance, EPSILON)));
      return { filter: tf.mul(filter, scale), bias: tf.sub(beta, tf.mul(mean, scale)) };
    });
  for (const name of tensors.keys()) {
    const [, conv] = /^(.*)\.weight$/.exec(name) ?? [];
    if (conv === undefined || tensors.get(name).shape.length !== 4) continue;
    const norm = conv.replace(/conv(\d)$/, 'bn$1').replace(/downsample\.0$/, 'downsample.1');
    folded.set(conv, fold(conv, norm === conv ? null : norm));
  }
  const fc = {
    weight: tf.tidy(() =>
      tf.transpose(tf.tensor(tensors.get('fc.weight').data, tensors.get('fc.weight').shape)),
    ),
    bias: vector('fc.bias'),
  };
  return {
    convNorm(x, conv, _norm, { kernel, stride, relu }) {
      const [input, pad] = padded(tf, x, kernel, stride);
      const { filter, bias } = folded.get(conv);
      return tf.fused.conv2d({
        x: input,
        filter,
        strides: stride,
        pad,
        bias,
        activation: relu ? 'relu' : 'linear',
      });
    },
    dense: (x) => tf.fused.matMul({ a: x, b: fc.weight, bias: fc.bias }),
  };
}

/** The net for training: variables by senet's names, norms by the statistics of the batch, as tfjs-layers has them. */
export function trainingLayers(tf, tensors) {
  const variables = new Map();
  for (const [name, tensor] of tensors) {
    if (/running_(mean|var)$/.test(name)) continue;
    const value =
      tensor.shape.length === 4
        ? hwio(tf, tensor)
        : tf.tidy(() =>
            tensor.shape.length === 2
              ? tf.transpose(tf.tensor(tensor.data, tensor.shape))
              : tf.tensor1d(tensor.data),
          );
    variables.set(name, tf.variable(value, true, name));
  }
  const running = new Map();
  const movingAverage = (name, value) => {
    const kept = running.get(name) ?? tf.variable(tf.tensor1d(tensors.get(name).data), false);
    running.set(name, kept);
    kept.assign(tf.add(tf.mul(kept, 0.9), tf.mul(value, 0.1)));
  };
  const layers = {
    convNorm(x, conv, norm, { kernel, stride, relu }) {
      const [input, pad] = padded(tf, x, kernel, stride);
      const y = tf.conv2d(input, variables.get(`${conv}.weight`), stride, pad);
      if (norm === null) return tf.add(y, variables.get(`${conv}.bias`));
      const { mean, variance } = tf.moments(y, [0, 1, 2]);
      const count = y.size / y.shape[3];
      movingAverage(`${norm}.running_mean`, mean);
      movingAverage(`${norm}.running_var`, tf.mul(variance, count / (count - 1)));
      const z = tf.batchNorm(
        y,
        mean,
        variance,
        variables.get(`${norm}.bias`),
        variables.get(`${norm}.weight`),
        EPSILON,
      );
      return relu ? tf.relu(z) : z;
    },
    dense: (x, name) => tf.add(tf.matMul(x, variables.get(`${name}.weight`)), variables.get(`${name}.bias`)),
  };
  return { layers, variables };
}
