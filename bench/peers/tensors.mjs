// Reads the safetensors files that bench/inputs.mjs writes, without senet: float32 alone.
import { readFileSync } from 'node:fs';

/** @returns {Map<string, { shape: number[], data: Float32Array }>} */
export function readTensors(path) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  delete header.__metadata__;
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        if (dtype !== 'F32') throw new Error(`${path}: ${name}: expected F32, received ${dtype}`);
        const copy = new Uint8Array(bytes.subarray(start + from, start + to));
        return [name, { shape, data: new Float32Array(copy.buffer) }];
      },
    ),
  );
}

/** Images [N, H, W, C] as [N, C, H, W]. */
export function channelsFirst({ shape: [n, h, w, c], data }) {
  const out = new Float32Array(data.length);
  for (let image = 0; image < n; image += 1)
    for (let place = 0; place < h * w; place += 1)
      for (let channel = 0; channel < c; channel += 1)
        out[(image * c + channel) * h * w + place] = data[(image * h * w + place) * c + channel];
  return { shape: [n, c, h, w], data: out };
}
