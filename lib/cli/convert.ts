import { extname } from 'node:path';
import { exportOnnx, readStateDict, writeStateDict } from '../index.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { modelOf, modelOptions, modelUsage } from './options.ts';

/** `senet convert IN OUT` */
export const convert: Command = {
  summary: 'turns weight files into safetensors or ONNX',
  usage: `senet convert IN OUT [options]
  IN                weights: safetensors, or a state dict that PyTorch saved
  OUT               a name that ends in .safetensors or .onnx
  --model MODEL     name of the zoo, needed for ONNX; with it the weights must fit, and take senet's names
${modelUsage}`,
  options: { ...modelOptions, model: { type: 'string' } },
  positionals: [2, 2],
  run: async (given) => {
    const [from, to] = given.positionals as [string, string];
    const kind = extname(to).toLowerCase();
    if (kind !== '.safetensors' && kind !== '.onnx')
      throw new UsageError(`expected OUT to end in .safetensors or .onnx, received '${to}'`);
    const model = given.text('model');
    if (model === undefined && kind === '.onnx') throw new UsageError('expected --model MODEL, for ONNX');
    const tensors =
      model === undefined ? await rewrite(from, to) : await throughModel(model, from, to, kind, given);
    return { text: `${to}: ${tensors} tensors of ${from}`, json: { from, to, tensors } };
  },
};

/** Keeps the names; returns the number of tensors. */
async function rewrite(from: string, to: string): Promise<number> {
  const weights = await readStateDict(from);
  await writeStateDict(to, weights);
  return weights.size;
}

async function throughModel(name: string, from: string, to: string, kind: string, given: Arguments) {
  using model = modelOf(name, given);
  const { loaded } = await model.load(from);
  await (kind === '.onnx' ? exportOnnx(model, to) : model.save(to));
  return loaded.length;
}
