// Reads safetensors files as bench/inputs.mjs writes them, float32 alone; without senet, in Node and in browsers.

/**
 * @param {Uint8Array} bytes the whole file
 * @param {string} name for messages
 * @returns {Map<string, { shape: number[], data: Float32Array }>}
 */
export function parseTensors(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  delete header.__metadata__;
  const tensors = new Map();
  for (const [tensor, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (dtype !== 'F32') throw new Error(`${name}: ${tensor}: expected F32, received ${dtype}`);
    const [from, to] = data_offsets;
    const copy = Uint8Array.from(bytes.subarray(start + from, start + to));
    tensors.set(tensor, { shape, data: new Float32Array(copy.buffer) });
  }
  return tensors;
}
