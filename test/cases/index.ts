/** All case tables. */
import { cases as accumulate } from './accumulate.ts';
import { cases as activation } from './activation.ts';
import { cases as adamw } from './adamw.ts';
import { cases as add } from './add.ts';
import { cases as assertFinite } from './assert_finite.ts';
import { cases as avgPool } from './avg_pool.ts';
import { cases as batchNorm } from './batch_norm.ts';
import type { OpCase } from './case.ts';
import { cases as channelShuffle } from './channel_shuffle.ts';
import { cases as channelSlice } from './channel_slice.ts';
import { cases as clipFactor } from './clip_factor.ts';
import { cases as concat } from './concat.ts';
import { cases as conv2d } from './conv2d.ts';
import { cases as dropout } from './dropout.ts';
import { cases as emaUpdate } from './ema_update.ts';
import { cases as excite } from './excite.ts';
import { cases as fill } from './fill.ts';
import { cases as flatten } from './flatten.ts';
import { cases as foldBatchNorm } from './fold_batch_norm.ts';
import { cases as globalAvgPool } from './global_avg_pool.ts';
import { cases as globalMaxPool } from './global_max_pool.ts';
import { cases as linear } from './linear.ts';
import { cases as matmul } from './matmul.ts';
import { cases as maxPool } from './max_pool.ts';
import { cases as multiply } from './multiply.ts';
import { cases as normActivation } from './norm_activation.ts';
import { cases as normTail } from './norm_tail.ts';
import { cases as normalisePixels } from './normalise_pixels.ts';
import { cases as pad } from './pad.ts';
import { cases as reshape } from './reshape.ts';
import { cases as runningUpdate } from './running_update.ts';
import { cases as scale } from './scale.ts';
import { cases as sgd } from './sgd.ts';
import { cases as shake } from './shake.ts';
import { cases as softmax } from './softmax.ts';
import { cases as softmaxCrossEntropy } from './softmax_cross_entropy.ts';
import { cases as squeezeExcite } from './squeeze_excite.ts';
import { cases as topKCorrect } from './top_k_correct.ts';

export { gradientPositions, type InputSpec, inputsOf, materialize, type OpCase } from './case.ts';
export { gateTolerance, type Reduction, reductionOf } from './reduction.ts';

const tables: readonly (readonly OpCase[])[] = [
  accumulate,
  activation,
  adamw,
  add,
  assertFinite,
  avgPool,
  batchNorm,
  channelShuffle,
  channelSlice,
  clipFactor,
  concat,
  conv2d,
  dropout,
  emaUpdate,
  excite,
  fill,
  flatten,
  foldBatchNorm,
  globalAvgPool,
  globalMaxPool,
  linear,
  matmul,
  maxPool,
  multiply,
  normActivation,
  normTail,
  normalisePixels,
  pad,
  reshape,
  runningUpdate,
  scale,
  sgd,
  shake,
  softmax,
  softmaxCrossEntropy,
  squeezeExcite,
  topKCorrect,
];

/** Every case of every op. */
export const allCases = (): OpCase[] => tables.flat();
