/** The table of all ops; a new op adds one line here. */
import { ArgumentRangeError } from '../errors.ts';
import { accumulate } from './accumulate.ts';
import { activation, activationGrad, softmax } from './activation.ts';
import { adamw } from './adamw.ts';
import { add } from './add.ts';
import { assertFinite } from './assert_finite.ts';
import { avgPool, avgPoolGrad } from './avg_pool.ts';
import { batchNorm, batchNormGrad, foldBatchNorm, runningUpdate } from './batch_norm.ts';
import { channelShuffle } from './channel_shuffle.ts';
import { channelSlice, channelSliceGrad } from './channel_slice.ts';
import { clipFactor } from './clip_factor.ts';
import { concat } from './concat.ts';
import { conv2d, conv2dFused, conv2dGradInput, conv2dGradWeight } from './conv2d.ts';
import { dropout } from './dropout.ts';
import { emaUpdate } from './ema_update.ts';
import { excite, exciteGrad } from './excite.ts';
import { fill } from './fill.ts';
import { flatten, unflatten } from './flatten.ts';
import { globalAvgPool, globalAvgPoolGrad } from './global_avg_pool.ts';
import { globalMaxPool, globalMaxPoolGrad } from './global_max_pool.ts';
import { linear, linearGradInput, linearGradWeight, matmul } from './linear.ts';
import { lossScale, lossScaleUpdate } from './loss_scale.ts';
import { maxPool, maxPoolGrad } from './max_pool.ts';
import { multiply, multiplyReduce } from './multiply.ts';
import { normActivation, normActivationGrad } from './norm_activation.ts';
import { normTail, normTailGrad } from './norm_tail.ts';
import { normalisePixels } from './normalise_pixels.ts';
import type { Op } from './op.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { scale } from './scale.ts';
import { sgd } from './sgd.ts';
import { shake, shakeGrad } from './shake.ts';
import { softmaxCrossEntropy, softmaxCrossEntropyGrad, topKCorrect } from './softmax_cross_entropy.ts';
import { squeezeExcite } from './squeeze_excite.ts';

/** Every op by name. */
export const ops: ReadonlyMap<string, Op> = new Map(
  [
    accumulate,
    activation,
    activationGrad,
    adamw,
    add,
    assertFinite,
    avgPool,
    avgPoolGrad,
    batchNorm,
    batchNormGrad,
    channelShuffle,
    channelSlice,
    channelSliceGrad,
    clipFactor,
    concat,
    conv2d,
    conv2dFused,
    conv2dGradInput,
    conv2dGradWeight,
    dropout,
    emaUpdate,
    excite,
    exciteGrad,
    fill,
    flatten,
    foldBatchNorm,
    globalAvgPool,
    globalAvgPoolGrad,
    globalMaxPool,
    globalMaxPoolGrad,
    linear,
    linearGradInput,
    linearGradWeight,
    matmul,
    maxPool,
    maxPoolGrad,
    multiply,
    multiplyReduce,
    normActivation,
    normActivationGrad,
    normTail,
    normTailGrad,
    normalisePixels,
    pad,
    reshape,
    runningUpdate,
    lossScale,
    lossScaleUpdate,
    scale,
    sgd,
    shake,
    shakeGrad,
    softmax,
    softmaxCrossEntropy,
    softmaxCrossEntropyGrad,
    squeezeExcite,
    topKCorrect,
    unflatten,
  ].map((op) => [op.name, op]),
);

/** The op of that name; a RangeError when there is none. */
export function findOp(name: string): Op {
  const op = ops.get(name);
  if (op === undefined) throw new ArgumentRangeError(`op: expected the name of an op, received '${name}'`);
  return op;
}
