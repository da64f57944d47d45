/** Every case of one op on the GPU: against the float64 reference, and fused against the plain ops it stands for. */
import { built, kept } from './built.mjs';

const { allCases, gradientPositions } = await built('test/cases/index.js');
const { checkForward, checkFused, checkFusedGradient, checkGradient } =
  await built('test/helpers/op_checks.js');
const { findOp } = await built('lib/ops/index.js');
const { Device } = await built('lib/device.js');

const hasGradient = (testCase) => gradientPositions(testCase).length > 0;
const isFused = ({ op }) => findOp(op).decompose !== undefined;
const isWhole = ({ integers }) => integers === true;

/** Checks by name, each with the cases that it is for. */
const checks = [
  { name: 'forward', wants: () => true, make: (device, c, options) => checkForward(device, c, options) },
  {
    name: 'gradient',
    // That of an activation is taken from its output, which is rounded by then.
    wants: (c, { bits }) => hasGradient(c) && (bits === 24 || c.op !== 'activation'),
    make: (device, c, options) => checkGradient(device, c, options),
  },
  // Results of small whole numbers are known to the last bit, whichever implementation the library takes.
  {
    name: 'forward of integers',
    wants: isWhole,
    make: (device, c, options) => checkForward(device, c, { ...options, integers: true }),
  },
  {
    name: 'gradient of integers',
    wants: (c) => isWhole(c) && hasGradient(c),
    make: (device, c, options) => checkGradient(device, c, { ...options, integers: true }),
  },
];
const fusedChecks = [
  { name: 'fused', wants: isFused, make: checkFused },
  { name: 'fused gradient', wants: (c) => isFused(c) && hasGradient(c), make: checkFusedGradient },
];

/** Computed in one step, which rounds once; the steps of the others have cases of their own. */
const isOneStep = ({ op }) => op !== 'squeeze_excite';
/** What these work on are weights, which stay float32; their cases' inputs would be taken for maps. */
const weightOps = ['reshape', 'sgd', 'adamw', 'clip_factor', 'accumulate', 'ema_update'];
const hasMaps = ({ op }) => !weightOps.includes(op);

const wholeMaps = (c) => isOneStep(c) && hasMaps(c);
const precisions = [
  { precision: 'float32', wants: () => true, list: [...checks, ...fusedChecks] },
  { precision: 'tf32', wants: isOneStep, list: checks },
  { precision: 'float16', wants: wholeMaps, list: checks },
  { precision: 'bfloat16', wants: wholeMaps, list: checks },
];

/** The names of all ops that have cases. */
export const opNames = () => [...new Set(allCases().map(({ op }) => op))];

/** @returns how many checks were made, and those that failed */
export async function run({ op }) {
  const cases = allCases().filter((testCase) => testCase.op === op);
  const failures = [];
  let made = 0;
  for (const { precision, wants, list } of precisions) {
    const device = await Device.open('cuda', { precision });
    for (const check of list) {
      for (const testCase of cases.filter((c) => wants(c) && check.wants(c, kept[precision]))) {
        made += 1;
        try {
          await check.make(device, testCase, kept[precision]);
        } catch (error) {
          failures.push({ check: `${precision} ${check.name}`, case: testCase.name, message: error.message });
        }
      }
    }
    device.dispose();
  }
  return { op, made, failures };
}
