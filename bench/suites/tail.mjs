// The fused tail relu(SE(BN(x)) + identity), forward and backward, as a share of the machine's copy bandwidth.
//
// Bytes by the two-pass count: forward reads x, then x and the identity, and writes y; backward reads dy and x and
// writes g, then reads g and x and writes dx. The 1-bit mask is written once and read once. The copy that sets the
// standard runs on as many threads, in the same rounds, and counts bytes read and written.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { median } from '../statistics.mjs';

const SHAPE = [16, 56, 56, 256];
const elements = SHAPE.reduce((a, b) => a * b);
const bytes = 4 * elements;

/** A graph of one tail in training form and its gradient, with squeeze-and-excitation or without. */
async function tailGraph(shape, excited) {
  const { ABSENT, differentiate, f32, GraphBuilder } = await import('../../dist/internals.js');
  const builder = new GraphBuilder();
  builder.layer = 'tail';
  const c = shape[3];
  const reduced = c / 16;
  const [x, identity, dy] = ['x', 'identity', 'dy'].map((name) => builder.input(name, f32(...shape)));
  const norm = ['gamma', 'beta'].map((name) => builder.parameter(name, f32(c)));
  const running = ['mean', 'variance'].map((name) => builder.state(name, f32(c)));
  const weights = { w1: [reduced, c], b1: [reduced], w2: [c, reduced], b2: [c] };
  const se = Object.entries(excited ? weights : {}).map(([name, dims]) =>
    builder.parameter(name, f32(...dims)),
  );
  const absent = [ABSENT, ABSENT, ABSENT, ABSENT];
  const attributes = {
    eps: 1e-5,
    relu: true,
    gate: 'sigmoid',
    hidden: 'relu',
    training: true,
    frozen: false,
  };
  const [y] = builder.emit('norm_tail', [x, ...norm, ...running, identity, ...absent, ...se], attributes);
  const wanted = [x, identity, ...norm, ...se];
  const gradients = differentiate(builder, y, dy, wanted);
  // Only the small gradients leave the program; the large ones are computed all the same.
  return builder.finish(wanted.slice(2).map((id) => gradients.get(id)));
}

/** Opens a device by name and options, and a tail on it. */
export async function openTail({ device: name, options, shape, excited = true }) {
  const { Device, Program, Tensor } = await import('../../dist/internals.js');
  const device = await Device.open(name, options);
  const graph = await tailGraph(shape, excited);
  const kept = graph.values.filter(({ kind }) => kind === 'parameter' || kind === 'state');
  const tensors = new Map(kept.map(({ name, shape: s }) => [name, new Tensor(device, name, s)]));
  await device.write(
    [...tensors.values()].map(({ handle }) => handle),
    kept.map(({ shape: s }) =>
      Float32Array.from({ length: s.reduce((a, b) => a * b, 1) }, (_, i) => 0.1 + Math.cos(i) ** 2),
    ),
  );
  const program = await Program.compile(device, graph, tensors);
  const length = shape.reduce((a, b) => a * b);
  const data = (k) => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.1 + k));
  const inputs = { x: data(0), identity: data(1), dy: data(2) };
  return { run: () => program.run(inputs), profile: () => program.profile(inputs) };
}

/** Threads that copy at once when told to; resolves to the milliseconds of one copy of all. */
function openCopy(threads) {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const workers = Array.from(
    { length: threads },
    () =>
      new Worker(new URL(import.meta.url), { workerData: { control, bytes: Math.floor(bytes / threads) } }),
  );
  const copy = () => {
    const answers = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)));
    Atomics.add(control, 0, 1);
    Atomics.notify(control, 0);
    return Promise.all(answers).then((times) => Math.max(...times));
  };
  return { copy, stop: () => workers.map((worker) => worker.terminate()) };
}

if (!isMainThread && workerData?.control) {
  const { control, bytes: share } = workerData;
  const { parentPort } = await import('node:worker_threads');
  const [from, to] = [new Uint8Array(share).fill(1), new Uint8Array(share)];
  const COPIES = 5;
  for (let turn = 0; ; turn += 1) {
    Atomics.wait(control, 0, turn);
    const start = performance.now();
    for (let i = 0; i < COPIES; i += 1) to.set(from);
    parentPort.postMessage((performance.now() - start) / COPIES);
  }
}

/** Share of the copy bandwidth that the tail reaches, forward and backward together. */
export async function measureTail(threads, rounds = 15) {
  const { profile } = await openTail({ device: 'cpu', options: { threads, layout: 'auto' }, shape: SHAPE });
  const tail = async () => {
    const steps = await profile();
    const ms = (op) => steps.find((step) => step.op === op).ms;
    return { forward: ms('norm_tail'), backward: ms('norm_tail_grad') };
  };
  const { copy, stop } = openCopy(threads);
  const [copyRates, tailRates, forwardRates, backwardRates] = [[], [], [], []];
  const mask = elements / 8;
  await tail();
  await copy();
  for (let round = 0; round < rounds; round += 1) {
    copyRates.push((2 * bytes) / (await copy()) / 1e6);
    const { forward, backward } = await tail();
    forwardRates.push((4 * bytes + mask) / forward / 1e6);
    backwardRates.push((6 * bytes + mask) / backward / 1e6);
    tailRates.push((10 * bytes + 2 * mask) / (forward + backward) / 1e6);
  }
  stop();
  return {
    measure: 'fused SE tail forward + backward, 16x56x56x256',
    shareOfCopy: median(tailRates.map((rate, i) => rate / copyRates[i])),
    gbPerSecond: median(tailRates),
    forwardGbPerSecond: median(forwardRates),
    backwardGbPerSecond: median(backwardRates),
    copyGbPerSecond: median(copyRates),
  };
}
