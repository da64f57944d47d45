/**
 * Every kind of call of CUDA and cuDNN that a network's life makes fails once: the first time, the second, ... until no
 * call is left that could. Each time the error is one of senet's and says what failed, the same model goes on afterwards
 * as if nothing had been or as if the step had been done, nothing is left when it is disposed, and a new one trains to
 * the losses it always had.
 *
 * node cuda_faults.mjs FACTOR KINDS...: the factor from one number of calls to the next, with 1 every single call fails in
 * its turn, which takes long; and the kinds of calls, all of them by default.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  checked,
  expectNothingLeft,
  expectSame,
  growing,
  newModel,
  open,
  predict,
  STEPS,
  sim,
  step,
  train,
  withoutPlans,
} from './cuda_life.mjs';

const stages = [
  // With TF32 there are several plans to choose from, so that they are timed.
  (model) => open(model, { precision: 'tf32', autotune: true }),
  ...Array.from({ length: STEPS }, (_, i) => async (model, losses, twice) => {
    if (i === twice) await step(model, i);
    losses.push(await step(model, i));
  }),
  predict,
  (model) => model.profile({ runs: 1 }),
  (model) => model.stateDict(),
];

/**
 * A model's life; a stage that fails is done again. Gives back the errors, and the losses of the steps as they ended.
 *
 * @param twice The step that is done twice all the same.
 */
async function live(twice) {
  const model = newModel();
  const errors = [];
  const losses = [];
  try {
    for (const stage of stages) {
      try {
        await stage(model, losses, twice);
      } catch (error) {
        errors.push(checked(error));
        await stage(model, losses, twice);
      }
    }
  } finally {
    model.dispose();
  }
  return { errors, losses };
}

/** The functions of CUDA and cuDNN that the backend calls. */
function calledFunctions() {
  const folder = fileURLToPath(new URL('../../native/backends/cuda', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) =>
    /\.(cc|cuh?|h)$/.test(f),
  );
  const text = files.map((file) => readFileSync(`${folder}/${file}`, 'utf8')).join('\n');
  const names = new Set([...text.matchAll(/\b(cuda|cudnn)[A-Z]\w+(?=\()/g)].map(([name]) => name));
  // What frees or tells of errors and versions cannot fail in a way that somebody could act on; allocations and launches
  // have orders of their own; no kernel has so much shared memory that it calls cudaFuncSetAttribute.
  const left = /Destroy|Free|Error|Version|^cudaMalloc(Async)?$|^cudaLaunchKernelEx$|^cudaFuncSetAttribute$/;
  return [...names].filter((name) => !left.test(name)).sort();
}

// Errors of the libraries, by their numbers.
const UNKNOWN = 999; // cudaErrorUnknown
const EXECUTION_FAILED = 5000; // CUDNN_STATUS_EXECUTION_FAILED

/** Gives an order for the n-th call, takes it back with 0; and what the error says at least. */
const orders = {
  allocation: [(n) => sim('sim_fail_allocation', n), /not enough memory|out of memory/],
  launch: [(n) => sim('sim_fail_launch', n), /kernel \w+: cudaErrorLaunchOutOfResources/],
  ...Object.fromEntries(
    calledFunctions().map((name) => {
      const [code, message] = name.startsWith('cudnn')
        ? [EXECUTION_FAILED, new RegExp(`^[\\w.]+: cuDNN: .*${name}`)]
        : [UNKNOWN, new RegExp(`unknown error .*${name} failed by order`)];
      return [name, [(n) => sim('sim_fail_call', name, n, code), message]];
    }),
  ),
};

const [factor = '3', ...wanted] = process.argv.slice(2);
const kinds = wanted.length > 0 ? wanted : Object.keys(orders);

/** Lets calls of one kind fail, and tells how many errors that made. */
async function sweep(order, message, name) {
  let errors = 0;
  for (const n of growing(Number(factor))) {
    const when = `${name}, call ${n}`;
    order(n);
    const { errors: met, losses } = await withoutPlans(live);
    const fired = sim('sim_pending_orders') === 0;
    order(0);
    const wrong = met.find((error) => !message.test(error.message));
    if (wrong !== undefined) throw new Error(`${when}: expected ${message}`, { cause: wrong });
    if (!possible.includes(String(losses))) throw new Error(`${when}: losses ${losses}`, { cause: met[0] });
    await expectNothingLeft(when);
    if (!fired) return errors;
    expectSame(await withoutPlans(() => train(2)), expected, when);
    errors += met.length;
  }
}

const expected = await withoutPlans(() => train());
// A step that fails is done whole or not at all, and then done again.
const possible = [];
for (const twice of [undefined, ...Array.from({ length: STEPS }, (_, i) => i)]) {
  possible.push(String((await withoutPlans(() => live(twice))).losses));
}
await expectNothingLeft('at first');
let total = 0;
for (const name of kinds) {
  const errors = await sweep(...orders[name], name);
  if (errors === 0) throw new Error(`${name}: no call ended with an error`);
  total += errors;
}
console.log(`${total} faults in ${kinds.length} kinds of calls`);
