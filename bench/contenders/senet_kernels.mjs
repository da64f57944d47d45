// senet's kernels as a contender of the suite `kernels`: for a line "open SPEC" (bench/kernel_shapes.mjs) it makes a program
// of that operation and prints a sample of its result, for "run" the milliseconds of its native steps, which it times as
// `model.profile` does: without the copies of inputs and outputs, which other contenders are spared, too.
//
//   node senet_kernels.mjs --threads 2
import { parseArgs } from 'node:util';
import { ABSENT, Device, differentiate, f32, GraphBuilder, Program, Tensor } from '../../dist/internals.js';
import { numbersOf } from '../kernel_numbers.mjs';
import { serveKernels } from '../peers/serve_kernels.mjs';
import { sum } from '../statistics.mjs';

const { values: options } = parseArgs({ options: { threads: { type: 'string', default: '2' } } });
const device = await Device.open('cpu', { threads: Number(options.threads) });

const geometry = (kernel, stride) => ({
  stride: [stride, stride],
  padding: Array(4).fill((kernel - 1) / 2),
  dilation: [1, 1],
  groups: 1,
});

/** Appends a spec's operation; returns the values the program gives out, the checked one first. */
const emitters = {
  conv2d(builder, { direction, n, size, c, k, kernel, stride }) {
    const out = size / stride;
    // Between other steps, maps have the form that a network's have: blocks of channels.
    const between = (id) => builder.emit('scale', [id], { factor: 1 })[0];
    const x = () => between(builder.input('x', f32(n, size, size, c)));
    const dy = () => between(builder.input('dy', f32(n, out, out, k)));
    const weight = () => builder.parameter('weight', f32(k, c, kernel, kernel));
    const shared = geometry(kernel, stride);
    if (direction === 'forward') return [between(builder.emit('conv2d', [x(), weight()], shared)[0])];
    if (direction === 'input') {
      const attributes = { ...shared, size: [size, size] };
      return [between(builder.emit('conv2d_grad_input', [dy(), weight()], attributes)[0])];
    }
    return builder
      .emit('conv2d_grad_weight', [x(), dy()], { ...shared, kernel: [kernel, kernel], bias: false })
      .slice(0, 1);
  },
  tail(builder, { direction, n, size, c, norm, se, identity }) {
    const reduced = c / 16;
    const x = builder.input('x', f32(n, size, size, c));
    const shortcut = identity ? builder.input('identity', f32(n, size, size, c)) : ABSENT;
    const excitation = se
      ? Object.entries({ w1: [reduced, c], b1: [reduced], w2: [c, reduced], b2: [c] }).map(([name, shape]) =>
          builder.parameter(name, f32(...shape)),
        )
      : [];
    const gates = { gate: 'sigmoid', hidden: 'relu' };
    if (!norm) {
      // What the block is made of, which has gradients.
      const [pooled] = builder.emit('global_avg_pool', [x]);
      const [gate] = builder.emit('excite', [pooled, ...excitation], {
        ...gates,
        training: direction === 'both',
      });
      const [y] = builder.emit('multiply', [x, gate]);
      return withGradients(builder, direction, y, [x, ...excitation]);
    }
    const learned = ['gamma', 'beta'].map((name) => builder.parameter(name, f32(c)));
    const running = ['mean', 'variance'].map((name) => builder.state(name, f32(c)));
    const inputs = [x, ...learned, ...running, shortcut, ...Array(4).fill(ABSENT), ...excitation];
    const attributes = { ...gates, eps: 1e-5, relu: true, training: true, frozen: false };
    const [y] = builder.emit('norm_tail', inputs, attributes);
    return withGradients(builder, direction, y, [x, ...learned, ...excitation]);
  },
  max_pool(builder, { direction, n, size, c }) {
    const x = builder.input('x', f32(n, size, size, c));
    const attributes = {
      kernel: [3, 3],
      stride: [2, 2],
      padding: [1, 1, 1, 1],
      ceil: false,
      training: direction === 'both',
    };
    return withGradients(builder, direction, builder.emit('max_pool', [x], attributes)[0], [x]);
  },
  global_avg_pool(builder, { direction, n, size, c }) {
    const x = builder.input('x', f32(n, size, size, c));
    return withGradients(builder, direction, builder.emit('global_avg_pool', [x])[0], [x]);
  },
  linear(builder, { direction, n, c, k }) {
    const x = builder.input('x', f32(n, c));
    const weights = [builder.parameter('weight', f32(k, c)), builder.parameter('bias', f32(k))];
    return withGradients(builder, direction, builder.emit('linear', [x, ...weights])[0], [x, ...weights]);
  },
};

function withGradients(builder, direction, y, wanted) {
  if (direction === 'forward') return [y];
  const dy = builder.input('dy', builder.type(y));
  const gradients = differentiate(builder, y, dy, wanted);
  // With y, or what only it needs would not be computed.
  return [...wanted.map((id) => gradients.get(id)), y];
}

async function open(spec) {
  const builder = new GraphBuilder();
  builder.layer = 'kernel';
  const graph = builder.finish(emitters[spec.kind](builder, spec));
  const kept = graph.values.filter(({ kind }) => kind === 'parameter' || kind === 'state');
  const tensors = new Map(kept.map(({ name, shape }) => [name, new Tensor(device, name, shape)]));
  if (kept.length > 0)
    await device.write(
      [...tensors.values()].map(({ handle }) => handle),
      kept.map(({ name, shape }) => numbersOf(name, shape)),
    );
  const program = await Program.compile(device, graph, tensors);
  const inputs = Object.fromEntries(
    graph.values
      .filter(({ kind }) => kind === 'input')
      .map(({ name, shape }) => [name, numbersOf(name, shape)]),
  );
  const [result] = await program.run(inputs);
  const counts = ({ op, constant }) => !constant && op !== 'convert' && op !== 'scale';
  const run = async () => sum((await program.profile(inputs)).filter(counts).map(({ ms }) => ms));
  const close = () => {
    program.dispose();
    for (const tensor of tensors.values()) tensor.dispose();
  };
  return { result, run, close };
}

await serveKernels({ contender: 'senet' }, open);
