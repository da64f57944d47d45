// Loads TensorFlow.js with one of its backends: 'node' (libtensorflow), 'wasm' or 'cpu' (plain JavaScript).
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';

const require = createRequire(import.meta.url);

/** @returns {Promise<{ tf: object, version: string }>} */
export async function loadBackend(name) {
  if (name === 'node') {
    // Node 23 took away what tfjs-node 4.22 calls.
    util.isNullOrUndefined ??= (value) => value === null || value === undefined;
    util.isArray ??= Array.isArray;
    const tf = require('@tensorflow/tfjs-node');
    return { tf, version: `${tf.version['tfjs-node']} with TensorFlow ${tf.backend().binding.TF_Version}` };
  }
  // The whole of it, since its core alone registers no gradients; it brings the cpu backend.
  const tf = require('@tensorflow/tfjs');
  if (name === 'wasm') {
    const wasm = require('@tensorflow/tfjs-backend-wasm');
    const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
    wasm.setWasmPaths(join(folder, 'wasm-out/'));
  }
  await tf.setBackend(name);
  await tf.ready();
  return { tf, version: tf.version['tfjs-core'] };
}
