/**
 * An error of a kernel stays: CUDA answers everything with it until the process ends. Here one operation after the other
 * ends so. The model it happens to says why from then on, others of the process and new ones are refused, the process
 * lives, and on a new context (only the simulator has that) all is as it was.
 */
import {
  checked,
  expectNothingLeft,
  expectSame,
  growing,
  newModel,
  open,
  predict,
  sim,
  step,
  train,
  withoutPlans,
} from './cuda_life.mjs';

const errors = [
  [700, 'cudaErrorIllegalAddress'],
  [719, 'cudaErrorLaunchFailure'],
];

const failure = async (action) => {
  const error = await action().then(
    () => undefined,
    (reason) => reason,
  );
  return error === undefined ? undefined : checked(error).message;
};

function expectMessage(message, part, what) {
  if (message === undefined || !message.includes(part)) {
    throw new Error(`${what}: expected an error with '${part}', received ${message ?? 'none'}`);
  }
}

/** What the model says when its device fails at the n-th operation; undefined if it has not so many. */
async function lose(model, n, [code, name]) {
  sim('sim_fail_operation', n, code);
  const life = [(m) => open(m), (m) => step(m, 0), (m) => step(m, 1), (m) => step(m, 2), predict];
  const messages = [];
  for (const stage of life) messages.push(await failure(() => stage(model)));
  const first = messages.find((message) => message !== undefined);
  if (first === undefined) return undefined;
  expectMessage(first, name, 'the first error');
  expectMessage(first, 'can compute nothing on it any more', 'the first error');
  // A model whose compilation failed has no device to speak of.
  if (messages[0] !== undefined) return first;
  const later = messages.slice(messages.indexOf(first));
  for (const message of [...later, await failure(() => model.stateDict())]) {
    if (message !== first) throw new Error(`expected '${first}' again, received '${message}'`);
  }
  return first;
}

const expected = await withoutPlans(() => train());
let met = 0;
for (const n of growing(Number(process.argv[2] ?? 1.2))) {
  const error = errors[n % errors.length];
  const [other, model, later] = [newModel(), newModel(), newModel()];
  await open(other);
  await step(other, 0);
  const first = await withoutPlans(() => lose(model, n, error));
  if (first !== undefined) {
    met += 1;
    const others = await failure(() => step(other, 1));
    expectMessage(others, error[1], 'another model');
    expectMessage(await failure(() => predict(other)), others, 'another model, later');
    expectMessage(await failure(() => open(later)), error[1], 'a new model');
  }
  for (const each of [other, model, later]) each.dispose();
  await expectNothingLeft(`after operation ${n}`);
  sim('sim_reset');
  if (first === undefined) break;
  expectSame(await withoutPlans(() => train(2)), expected, `after operation ${n}`);
}
console.log(`lost at ${met} operations`);
