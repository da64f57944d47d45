// Every model of the zoo against onnxruntime-node, which gets the file that exportOnnx writes: inference of one image of
// the model's own size. At the end the geometric means of the ratios, of the networks without SE and of those with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel, exportOnnx, listModels } from '../../dist/index.js';
import { geometricMean } from '../statistics.mjs';

/** Does something with a model's ONNX file, which is gone afterwards. */
export async function withOnnxFile(name, options, action) {
  const folder = mkdtempSync(join(tmpdir(), 'senet-bench-'));
  const model = createModel(name, options);
  try {
    const file = join(folder, `${name}.onnx`);
    await exportOnnx(model, file);
    return await action({ name, file, size: model.input[0] });
  } finally {
    model.dispose();
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param say takes a result
 * @param names models; default all
 * @param measure gets a model's name, file and size; gives the ratio of the times of senet and the peer back
 */
export async function measureZoo(say, names = listModels(), measure) {
  const all = listModels();
  const ratios = { 'without SE': [], 'with SE': [] };
  for (const name of names) {
    const excited = /^se_|^senet/.test(name) || all.includes(`plain_${name}`);
    const [ratio] = await withOnnxFile(name, {}, measure);
    ratios[excited ? 'with SE' : 'without SE'].push(ratio);
  }
  for (const [kind, list] of Object.entries(ratios).filter(([, some]) => some.length > 0)) {
    say({
      measure: `inference of the zoo ${kind}, batch 1`,
      models: list.length,
      ratio: geometricMean(list),
    });
  }
}
