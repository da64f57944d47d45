import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { exportOnnx, importOnnx, type Model, readStateDict, writeStateDict } from '../index.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { checkpointOf, modelOf, modelOptions, modelUsage, openRun } from './options.ts';

/** `senet convert IN OUT` */
export const convert: Command = {
  summary: 'turns weight files into safetensors or ONNX',
  usage: `senet convert IN OUT [options]
  IN                a run's folder, safetensors, a state dict that PyTorch saved, or a name that ends in .onnx
  OUT               a name that ends in .safetensors or .onnx
  --model MODEL     name of the zoo, needed from weights to ONNX; with it the weights must fit, and take senet's names
  --checkpoint WHICH best or last of the run; default best
${modelUsage}`,
  options: { ...modelOptions, model: { type: 'string' }, checkpoint: { type: 'string' } },
  positionals: [2, 2],
  run: async (given) => {
    const [from, to] = given.positionals as [string, string];
    const kind = extname(to).toLowerCase();
    if (kind !== '.safetensors' && kind !== '.onnx')
      throw new UsageError(`expected OUT to end in .safetensors or .onnx, received '${to}'`);
    const isRun = (await stat(from).catch(() => undefined))?.isDirectory() === true;
    const tensors = await (isRun ? convertRun(from, to, given) : convertFile(from, to, given));
    return { text: `${to}: ${tensors} tensors of ${from}`, json: { from, to, tensors } };
  },
};

/** Returns the number of tensors, as all of these do. */
async function convertRun(from: string, to: string, given: Arguments): Promise<number> {
  const { model: opened } = await openRun(from, given);
  using model = opened;
  await write(model, to);
  return model.definition.parameters.length;
}

async function convertFile(from: string, to: string, given: Arguments): Promise<number> {
  checkpointOf(given, false);
  const model = given.text('model');
  const isOnnx = isOnnxName(from);
  if (model === undefined && isOnnxName(to) && !isOnnx)
    throw new UsageError('expected --model MODEL, for ONNX');
  if (isOnnx) return convertOnnx(model, from, to, given);
  return model === undefined ? rewrite(from, to) : throughModel(model, from, to, given);
}

/** Keeps the names. */
async function rewrite(from: string, to: string): Promise<number> {
  const weights = await readStateDict(from);
  await writeStateDict(to, weights);
  return weights.size;
}

const isOnnxName = (path: string): boolean => extname(path).toLowerCase() === '.onnx';

const write = (model: Model, to: string): Promise<void> =>
  isOnnxName(to) ? exportOnnx(model, to) : model.save(to);

async function throughModel(name: string, from: string, to: string, given: Arguments) {
  using model = modelOf(name, given);
  const { loaded } = await model.load(from);
  await write(model, to);
  return loaded.length;
}

/** The network that the file describes, or the weights it has in one of the zoo. */
async function convertOnnx(name: string | undefined, from: string, to: string, given: Arguments) {
  using imported = await importOnnx(from);
  const weights = await imported.stateDict();
  if (name === undefined) {
    await write(imported, to);
  } else {
    using model = modelOf(name, given);
    await model.loadStateDict(weights);
    await write(model, to);
  }
  return weights.size;
}
