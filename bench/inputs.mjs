// What all contenders of a measure get: the same weights, images and labels, in safetensors files, and the same network
// as an ONNX file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel, exportOnnx, writeStateDict } from '../dist/index.js';
import { hashed } from './random.mjs';

/** The stride places that the paper and the peers' nets have. */
export const optionsOf = (model) => (/resnet50$/.test(model) ? { strideIn: '1x1' } : {});

/**
 * Norms as training might leave them. Initial ones would not do: a gain of 1 everywhere, means of 0 and variances of 1 hide
 * a net that mistakes one for another.
 */
export function seasoned(dict) {
  const ranges = { weight: [0.5, 1], bias: [-0.1, 0.1], running_mean: [-0.1, 0.1], running_var: [0.5, 1.5] };
  return new Map(
    [...dict].map(([name, tensor], index) => {
      const [, layer, part] = /^(.*)\.(\w+)$/.exec(name);
      const range = dict.has(`${layer}.running_var`) && ranges[part];
      if (!range) return [name, tensor];
      const data = hashed(tensor.data.length, index + 1).map(
        (v) => range[0] + (v + 0.5) * (range[1] - range[0]),
      );
      return [name, { ...tensor, data }];
    }),
  );
}

/** Images in about the range of normalised ones, and labels, as a state dict. */
export function imagesOf(batch, size, classes) {
  return new Map([
    ['images', { shape: [batch, size, size, 3], data: hashed(batch * size * size * 3).map((v) => 3.4 * v) }],
    ['labels', { shape: [batch], data: Float32Array.from({ length: batch }, (_, i) => (i * 7) % classes) }],
  ]);
}

/**
 * Does something with the files of a model, which are gone afterwards.
 *
 * @param work.model a name of the zoo
 * @param work.batch images
 * @param work.size their height and width
 * @param action gets the work with paths `weights`, `images` and, for inference, `onnx`
 */
export async function withInputs(work, action) {
  const folder = mkdtempSync(join(tmpdir(), 'senet-bench-'));
  const { model: name, mode, batch, size } = work;
  const model = createModel(name, { ...optionsOf(name), input: [size, size, 3], seed: 1 });
  try {
    const weights = join(folder, 'weights.safetensors');
    const images = join(folder, 'images.safetensors');
    const onnx = join(folder, `${name}.onnx`);
    const dict = seasoned(await model.stateDict());
    await model.loadStateDict(dict);
    await writeStateDict(weights, dict);
    await writeStateDict(images, imagesOf(batch, size, model.classes));
    if (mode === 'infer') await exportOnnx(model, onnx);
    return await action({ ...work, weights, images, onnx });
  } finally {
    model.dispose();
    rmSync(folder, { recursive: true });
  }
}
