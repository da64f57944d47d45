// The page in which browser.mjs lets TensorFlow.js work; it has put `tf` with the WebGPU backend there.
import { parseTensors } from './safetensors.mjs';
import { createWork } from './work.mjs';

const { tf } = globalThis;

const read = async (name) => parseTensors(new Uint8Array(await (await fetch(name)).arrayBuffer()), name);

/** The GPU's name, or why there is none that counts: one that computes in software does not. */
async function findGpu(software) {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return { absent: 'the browser has no WebGPU adapter' };
  const { vendor, architecture, isFallbackAdapter } = adapter.info;
  const gpu = `${vendor} ${architecture}`.trim();
  const slow = (isFallbackAdapter ?? adapter.isFallbackAdapter) || /swiftshader|llvmpipe/i.test(gpu);
  return slow && !software ? { absent: `the browser computes WebGPU in software (${gpu})` } : { gpu };
}

globalThis.contender = {
  async open(model, training, software) {
    const { absent, gpu } = await findGpu(software);
    if (absent !== undefined) return { absent };
    if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js could not start its WebGPU backend');
    await tf.ready();
    this.iteration = createWork(tf, model, training, await read('weights'), await read('images'));
    return { version: tf.version['tfjs-core'], gpu };
  },

  /** One iteration, timed here: what the browser and Node tell each other is not part of it. */
  async run() {
    const start = performance.now();
    const result = await this.iteration();
    const ms = performance.now() - start;
    return { ms, result: typeof result === 'number' ? result : Array.from(result) };
  },
};
