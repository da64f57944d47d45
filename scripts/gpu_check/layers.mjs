/**
 * Each different layer of se_resnet50 in its own size, forward and backward, on the GPU against the CPU: the op suite's
 * cases are small, and large maps take other paths through kernels and libraries.
 */
import { built, kept } from './built.mjs';

const { createModel } = await built('lib/index.js');
const { Device } = await built('lib/device.js');
const { withBatch } = await built('lib/graph/rewrite.js');
const { ABSENT, formatShape } = await built('lib/ir/graph.js');
const { data, perChannel, weight } = await built('test/cases/case.js');
const { normTailCase } = await built('test/cases/norm_tail.js');
const { checkForward, checkGradient, resultsOf } = await built('test/helpers/op_checks.js');

/** A case of the op suite that has the sizes and attributes of a node. */
function caseOf(graph, node) {
  const values = node.inputs.map((id) => (id === ABSENT ? undefined : graph.values[id]));
  const given = (position) => values[position] !== undefined;
  const name = values.map((value) => (value === undefined ? '-' : formatShape(value.shape))).join(' ');
  if (node.op === 'norm_tail') {
    const identity = given(6) ? 'projected' : given(5) ? 'plain' : 'none';
    const { relu, gate, hidden } = node.attributes;
    const se = given(10) ? { se: values[10].shape[0], gate, hidden, bias: given(11) } : {};
    return normTailCase(name, values[0].shape, { identity, relu, ...se });
  }
  const inputs = values.map((value) => {
    if (value?.kind !== 'parameter') return value && data(value.shape);
    return value.shape.length > 1 ? weight(...value.shape) : perChannel(...value.shape);
  });
  return { name, op: node.op, inputs, attributes: node.attributes, gradient: true, integers: true };
}

function distinctCases(name, size, batch) {
  const model = createModel(name, { input: [size, size, 3] });
  const graph = withBatch(model.definition.graph, batch);
  model.dispose();
  const cases = graph.nodes.map((node) => caseOf(graph, node));
  const key = ({ op, name: shapes, attributes }) => JSON.stringify([op, shapes, attributes]);
  return [...new Map(cases.map((testCase) => [key(testCase), testCase])).values()];
}

/** Of the inputs of a ReLU one in some millions is so near zero that its sign is a matter of the last bit. */
const OUTLIERS = 2e-6;

/** @returns how many checks were made in a precision, and those that failed */
export async function run({ name, size, batch, precision }) {
  // Direct sums are exact for integers.
  const cpu = await Device.open('cpu', { convolutions: 'direct' });
  const gpu = await Device.open('cuda', { precision });
  const failures = [];
  let made = 0;
  for (const testCase of distinctCases(name, size, batch)) {
    for (const integers of testCase.integers === true ? [false, true] : [false]) {
      for (const [what, check] of Object.entries({ forward: checkForward, gradient: checkGradient })) {
        made += 1;
        try {
          await check(gpu, testCase, {
            ...kept[precision],
            integers,
            outliers: OUTLIERS,
            oracle: resultsOf(cpu),
          });
        } catch (error) {
          const title = `${testCase.op} ${what}${integers ? ' of integers' : ''}`;
          failures.push({ check: title, case: testCase.name, message: error.message });
        }
      }
    }
  }
  cpu.dispose();
  gpu.dispose();
  return { made, failures };
}
