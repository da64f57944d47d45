/** What `Model.predict` takes, checked, and made into input of the network. */
import type { CompiledModel, PredictionSettings } from './compiled_model.ts';
import { ShapeError } from './errors.ts';
import { classifierOutputs } from './graph/programs.ts';
import type { ImageSource } from './images/image.ts';
import { checkImages, predictImages } from './images/predict.ts';
import type { InputShape, Preprocessing } from './images/preprocessing.ts';
import type { PredictOptions } from './model_options.ts';
import { checkChoice, checkOptions, checkSignal, checkWhole } from './train/check.ts';
import { checkWeightsKind } from './weights_kind.ts';

/**
 * What can be predicted: images by file name, as bytes of image files or as raw pixels, one or an array of them; or
 * prepared values `[count, H, W, C]`.
 */
export type PredictInput = Float32Array | ImageSource | readonly ImageSource[];

/** What a prediction has to know of its model. */
export interface PredictionModel {
  readonly input: InputShape;
  readonly classes: number;
  readonly preprocessing: Preprocessing;
}

const imageKeys = ['preprocessing', 'crops', 'scales', 'limitPixels'];

/** Checks everything at once; what is returned does the work, on a compiled model. */
export function checkPrediction(
  images: PredictInput,
  options: PredictOptions,
  { input, classes, preprocessing }: PredictionModel,
): (compiled: CompiledModel) => Promise<Float32Array> {
  const prepared = images instanceof Float32Array;
  const keys = ['output', 'batchSize', 'signal', 'weights'];
  checkOptions('predict', options, prepared ? keys : [...keys, ...imageKeys]);
  const batchSize = checkWhole('predict: batchSize', options.batchSize ?? 32, 1);
  const signal = checkSignal('predict: signal', options.signal);
  const weights = checkWeightsKind('predict', options.weights);
  const output = checkChoice('predict: output', options.output ?? 'probabilities', classifierOutputs);
  const settings: PredictionSettings = { batchSize, signal, weights, output };
  signal?.throwIfAborted();
  if (!prepared) {
    const checked = checkImages('predict', images, options, input, preprocessing);
    return (compiled) =>
      predictImages(checked, { batchSize, classes, signal }, (views) => compiled.predict(views, settings));
  }
  const pixels = input[0] * input[1] * input[2];
  if (images.length === 0 || images.length % pixels !== 0) {
    throw new ShapeError(
      `predict: images: expected a multiple of ${pixels} values (${input.join('x')} each), received ${images.length}`,
    );
  }
  return (compiled) => compiled.predict({ images }, settings);
}
