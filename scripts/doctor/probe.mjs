/** Tries a device, `cpu` or `cuda`, and prints what was found as a line of JSON. */
import { readFileSync } from 'node:fs';

const oneLine = (error) => error.message.replace(/:\s*\n\s*/g, ': ').replace(/\s*\n\s*/g, '; ');
const say = (found) => console.log(JSON.stringify(found));

/** Runs a small network on the device; throws what goes wrong. */
async function tryDevice(device) {
  const { conv2d, defineModel, globalAvgPool, linear, Model } = await import('../../dist/index.js');
  const definition = defineModel({ input: [8, 8, 3], name: 'probe' }, (images) =>
    linear(globalAvgPool(conv2d(images, { filters: 8, kernel: 3 })), { units: 2 }),
  );
  const model = new Model(definition);
  try {
    await model.compile({ device });
    const [first, second] = await model.predict(new Float32Array(8 * 8 * 3).fill(0.5));
    const sum = first + second;
    if (!(Math.abs(sum - 1) < 1e-3)) throw new Error(`probabilities add up to ${sum}`);
  } finally {
    model.dispose();
  }
}

async function probeCpu() {
  const { Device } = await import('../../dist/internals.js');
  const device = await Device.open('cpu');
  const { description } = device;
  device.dispose();
  await tryDevice('cpu');
  return { description };
}

/** The file of the cuDNN that this process has opened. */
const openedCudnn = () => /\/\S*\/libcudnn\.so\.9[.\d]*/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0];

async function probeCuda() {
  const { callNative, cudaLibrary, cudnnCandidates } = await import('../../dist/internals.js');
  const candidates = cudnnCandidates();
  const found = { candidates };
  try {
    // Opens cuDNN first, whether or not the backend is there.
    const { description, devices, missing } = await callNative((addon) =>
      addon.openCuda(cudaLibrary(), candidates),
    );
    const names = devices.map((gpu) => gpu.description || gpu.missing);
    Object.assign(found, { description, devices: names });
    if (devices.length === 0) throw new Error(missing);
    await tryDevice('cuda');
  } catch (error) {
    found.error = oneLine(error);
  }
  return { ...found, cudnn: openedCudnn() };
}

const [device] = process.argv.slice(2);
try {
  say(await (device === 'cpu' ? probeCpu() : probeCuda()));
} catch (error) {
  say({ error: oneLine(error) });
}
