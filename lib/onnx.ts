/** Models as ONNX files. */
import { writeFileAtomic } from './io/atomic_file.ts';
import { requirePath } from './io/regular_file.ts';
import type { ModelDefinition } from './layers/model_builder.ts';
import { encodeOnnx } from './onnx/export.ts';
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
  /** What comes out: `'logits'` (default), as PyTorch's classifiers give, or `'probabilities'`, as `predict` does. */
  readonly output?: 'logits' | 'probabilities';
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
  checkChoice('exportOnnx: output', output, ['logits', 'probabilities']);
  const signal = checkSignal('exportOnnx: signal', options.signal);
  const weights = await model.stateDict();
  await writeFileAtomic(path, encodeOnnx(model.definition, weights, { opset, batchSize, output }), signal);
}
