// Files of tensors in Node, and their order of dimensions.
import { readFileSync } from 'node:fs';
import { parseTensors } from './safetensors.mjs';

/** The tensors of a file that bench/inputs.mjs has written, by name. */
export const readTensors = (path) => parseTensors(readFileSync(path), path);

/** Images [N, H, W, C] as [N, C, H, W]. */
export function channelsFirst({ shape: [n, h, w, c], data }) {
  const out = new Float32Array(data.length);
  for (let image = 0; image < n; image += 1)
    for (let place = 0; place < h * w; place += 1)
      for (let channel = 0; channel < c; channel += 1)
        out[(image * c + channel) * h * w + place] = data[(image * h * w + place) * c + channel];
  return { shape: [n, c, h, w], data: out };
}
