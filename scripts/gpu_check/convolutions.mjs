/** Each different fused convolution of se_resnet50's inference, against the plain ops that it stands for. */
import { built, median, noise } from './built.mjs';

const { createModel } = await built('lib/index.js');
const { Device } = await built('lib/device.js');
const { ABSENT, sizeOf } = await built('lib/ir/graph.js');
const { GraphBuilder } = await built('lib/graph/builder.js');
const { decompose } = await built('lib/graph/passes/decompose.js');
const { predictionGraph } = await built('lib/graph/programs.js');
const { Program } = await built('lib/program.js');
const { Tensor } = await built('lib/tensor.js');

const inputNames = ['x', 'weight', 'bias', 'gate', 'residual'];

/** The node alone as a graph. Its output is averaged, so that little of it comes back. */
function graphOf(graph, node) {
  const builder = new GraphBuilder();
  builder.layer = node.layer;
  const inputs = node.inputs.map((id, position) => {
    if (id === ABSENT) return ABSENT;
    const { shape, dtype } = graph.values[id];
    const name = inputNames[position];
    const isTensor = name === 'weight' || name === 'bias';
    return isTensor ? builder.parameter(name, { shape, dtype }) : builder.input(name, { shape, dtype });
  });
  const [y] = builder.emit(node.op, inputs, node.attributes);
  return builder.finish(builder.emit('global_avg_pool', [y]));
}

/** The convolutions that differ in sizes or in what is fused into them. */
function distinct(graph) {
  const nodes = graph.nodes.filter(({ op }) => op === 'conv2d_fused');
  const key = ({ inputs, attributes }) =>
    JSON.stringify([inputs.map((id) => (id === ABSENT ? null : graph.values[id].shape)), attributes]);
  return [...new Map(nodes.map((node) => [key(node), node])).values()];
}

function describe(graph, { inputs, outputs, attributes }) {
  const shape = (position) => graph.values[inputs[position]].shape;
  const [, height, width, k] = graph.values[outputs[0]].shape;
  const has = (position) => (inputs[position] ?? ABSENT) !== ABSENT;
  const extras = [2, 3, 4].filter(has).map((position) => inputNames[position]);
  const kernel = shape(1).slice(2).join('x');
  const stride = attributes.stride[0] === 1 ? '' : ` / ${attributes.stride[0]}`;
  const fused = [...extras, ...(attributes.relu ? ['relu'] : [])].join(', ');
  return `${kernel}${stride}, ${shape(0)[3]} to ${k} channels, ${height}x${width}: ${fused}`;
}

/** The steps of a graph with the median of their times; without what only brings data here and there. */
async function profile(device, graph, runs) {
  const kept = graph.values.filter(({ kind }) => kind === 'parameter');
  const tensors = new Map(kept.map(({ name, shape }) => [name, new Tensor(device, name, shape)]));
  await device.write(
    [...tensors.values()].map(({ handle }) => handle),
    kept.map(({ shape }) => noise(sizeOf(shape))),
  );
  const program = await Program.compile(device, graph, tensors);
  const given = graph.values.filter(({ kind }) => kind === 'input');
  const inputs = Object.fromEntries(given.map(({ name, shape }) => [name, noise(sizeOf(shape))]));
  await program.run(inputs);
  const profiles = [];
  for (let i = 0; i < runs; i += 1) profiles.push(await program.profile(inputs));
  program.dispose();
  for (const tensor of tensors.values()) tensor.dispose();
  return profiles[0]
    .map((step, i) => ({ ...step, ms: median(profiles.map((steps) => steps[i].ms)) }))
    .filter(({ op, constant }) => !constant && op !== 'convert' && op !== 'global_avg_pool');
}

/** @returns for each convolution what it is, and the steps of both forms */
export async function run({ batch, size, autotune, runs }) {
  const device = await Device.open('cuda', { precision: 'bfloat16', autotune });
  const model = createModel('se_resnet50', { input: [size, size, 3] });
  const graph = predictionGraph(model.definition.graph, batch);
  model.dispose();
  const convolutions = [];
  for (const node of distinct(graph)) {
    const alone = graphOf(graph, node);
    const fused = await profile(device, alone, runs);
    const plain = await profile(
      device,
      decompose(alone, (op) => op === 'conv2d_fused'),
      runs,
    );
    convolutions.push({ what: describe(graph, node), fused, plain });
  }
  device.dispose();
  return { batch, size, convolutions };
}
