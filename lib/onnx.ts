/** Models as ONNX files, and ONNX files as models. */
import { ArgumentError, FileError, OutOfMemoryError } from './errors.ts';
import { type ClassifierOutput, classifierOutputs } from './graph/programs.ts';
import { writeFileAtomic } from './io/atomic_file.ts';
import { RegularFile, requirePath } from './io/regular_file.ts';
import type { ModelDefinition } from './layers/model_builder.ts';
import { Model } from './model.ts';
import type { ModelOptions } from './model_options.ts';
import { encodeOnnx } from './onnx/export.ts';
import { readOnnx } from './onnx/import.ts';
import { opsets } from './onnx/schema.ts';
import { checkChoice, checkOptions, checkSignal, checkWhole } from './train/check.ts';
import type { StateDict } from './weights.ts';

/** What {@link exportOnnx} needs of a model. */
export interface OnnxSource {
  readonly definition: ModelDefinition;
  stateDict(): Promise<StateDict>;
}

/** Options of {@link exportOnnx}. */
export interface ExportOnnxOptions {
  /** Version of the operators, 11 to 22; default 17. */
  readonly opset?: number;
  /** Images in a batch; default `'dynamic'`, any number. */
  readonly batchSize?: number | 'dynamic';
  /** What comes out: `'logits'` (default), as PyTorch's classifiers give, or `'probabilities'`. */
  readonly output?: ClassifierOutput;
  /** Stops writing, which leaves an earlier file; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Writes a model in inference form as an ONNX file, atomically, for runtimes such as ONNX Runtime. The input `images` is
 * float32 [N, C, H, W], the output is named by the option `output` and is float32 [N, classes]. Weights keep PyTorch's
 * names; batch norms are nodes of their own, which runtimes fold when they load the file.
 *
 * @throws UnsupportedError for a model of more than 2 GB, or with an op that ONNX cannot express; FileError if writing
 *   fails
 * @example
 * await exportOnnx(model, 'se_resnet50.onnx', { opset: 17 });
 */
export async function exportOnnx(
  model: OnnxSource,
  path: string,
  options: ExportOnnxOptions = {},
): Promise<void> {
  requirePath('exportOnnx', path);
  checkOptions('exportOnnx', options, ['opset', 'batchSize', 'output', 'signal']);
  const { opset = 17, batchSize = 'dynamic', output = 'logits' } = options;
  checkWhole('exportOnnx: opset', opset, opsets.least, opsets.most);
  if (batchSize !== 'dynamic') checkWhole('exportOnnx: batchSize', batchSize, 1);
  checkChoice('exportOnnx: output', output, classifierOutputs);
  const signal = checkSignal('exportOnnx: signal', options.signal);
  const weights = await model.stateDict();
  await writeFileAtomic(path, encodeOnnx(model.definition, weights, { opset, batchSize, output }), signal);
}

/** Options of {@link importOnnx}. */
export interface ImportOnnxOptions extends ModelOptions {
  /** Height and width of the images, for files that leave them open. */
  readonly size?: readonly [height: number, width: number];
  /** Stops reading; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A protobuf message has no more. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Reads a classifier of images from an ONNX file of opset 11 to 22 as a model to predict with and to train on: input
 * float32 [N, C, H, W], output [N, classes], either logits or a Softmax of them, which is left to `predict`. Parameters
 * keep the file's names. Values that the file has in others are read from its own folder and those below it, nowhere
 * else. Squeeze-and-excitation blocks and the tails of residual blocks run in senet's fused kernels.
 *
 * @throws FileError for a damaged file, UnsupportedError for one with operators or shapes that senet lacks; both name the
 *   tensor or node, and operators that are missing are named all at once
 * @example
 * const model = await importOnnx('se_resnet50.onnx');
 * const probabilities = await model.predict(images);
 */
export async function importOnnx(path: string, options: ImportOnnxOptions = {}): Promise<Model> {
  requirePath('importOnnx', path);
  checkOptions('importOnnx', options, ['seed', 'size', 'signal']);
  const { seed, size } = options;
  if (size !== undefined) {
    if (!Array.isArray(size) || size.length !== 2) {
      throw new ArgumentError('importOnnx: size: expected [height, width]');
    }
    for (const side of size) checkWhole('importOnnx: size', side, 1);
  }
  const signal = checkSignal('importOnnx: signal', options.signal);
  const { definition, weights } = await readOnnx(await readFile(path, signal), path, { size }, signal);
  const model = new Model(definition, seed === undefined ? {} : { seed });
  await model.loadStateDict(weights);
  return model;
}

async function readFile(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const file = await RegularFile.open(path);
  try {
    if (file.size > MAX_BYTES) {
      throw new FileError(path, `expected at most ${MAX_BYTES} bytes, the file has ${file.size}`);
    }
    const bytes = allocate(file.size, path);
    await file.read(bytes, 0, signal);
    await file.requireUnchanged();
    return bytes;
  } finally {
    await file.close();
  }
}

function allocate(size: number, path: string): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    throw new OutOfMemoryError(`${path}: cannot allocate ${size} bytes to read it`);
  }
}
