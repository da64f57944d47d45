/**
 * Inception-ResNet-v2 (Szegedy et al. 2017) for images of 299x299, plain and with an SE block on the branch of each
 * residual module, ahead of its scaling and sum. Layers and names are those of timm, which follow the published
 * weights.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  add,
  avgPool,
  concat,
  conv2d,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  maxPool,
  type Padding,
  type Pair,
  relu,
  type SqueezeExciteOptions,
  scale,
  scope,
  squeezeExcite,
} from '../layers/index.ts';
import { convNorm } from './conv_norm.ts';
import { classify, excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

/** A convolution: filters and kernel, with the padding that keeps the size unless `halve` or `valid`. */
interface Conv {
  readonly filters: number;
  readonly kernel: Pair;
  readonly stride?: number;
  readonly padding?: Padding;
}

const EPS = 1e-3;
const same = (filters: number, kernel: Pair): Conv => ({ filters, kernel });
const valid = (filters: number, kernel: Pair): Conv => ({ filters, kernel, padding: 'valid' });
const halve = (filters: number): Conv => ({ filters, kernel: 3, stride: 2, padding: 'valid' });

/** A kind of residual module: how often it stands, its branches, and the share of their sum that is added. */
interface Stage {
  readonly name: string;
  readonly count: number;
  readonly factor: number;
  readonly branches: readonly (readonly Conv[])[];
}

const STAGES: readonly Stage[] = [
  {
    name: 'repeat',
    count: 10,
    factor: 0.17,
    branches: [[same(32, 1)], [same(32, 1), same(32, 3)], [same(32, 1), same(48, 3), same(64, 3)]],
  },
  {
    name: 'repeat_1',
    count: 20,
    factor: 0.1,
    branches: [[same(192, 1)], [same(128, 1), same(160, [1, 7]), same(192, [7, 1])]],
  },
  {
    name: 'repeat_2',
    count: 9,
    factor: 0.2,
    branches: [[same(192, 1)], [same(192, 1), same(224, [1, 3]), same(256, [3, 1])]],
  },
];
/** The last module stands apart: unscaled, and without a ReLU at its end. */
const LAST: Stage = { ...STAGES[2]!, name: 'block8', count: 1, factor: 1 };

function conv(x: FeatureMap, name: string, options: Conv): FeatureMap {
  return convNorm(x, { name: `${name}.conv`, norm: `${name}.bn`, eps: EPS, ...options });
}

/** Convolutions one after another; a single one has no number in its name. */
function branch(x: FeatureMap, name: string, convs: readonly Conv[]): FeatureMap {
  return convs.reduce((y, options, i) => conv(y, convs.length === 1 ? name : `${name}.${i}`, options), x);
}

const branches = (x: FeatureMap, list: readonly (readonly Conv[])[]): FeatureMap[] =>
  list.map((convs, i) => branch(x, `branch${i}`, convs));

function residual(x: FeatureMap, stage: Stage, se: SqueezeExciteOptions | undefined): FeatureMap {
  const joined = concat(branches(x, stage.branches));
  const last = conv2d(joined, { filters: x.channels, kernel: 1, padding: 'valid', name: 'conv2d' });
  const gated = se ? squeezeExcite(last, { name: 'se', ...se }) : last;
  return add(stage.factor === 1 ? gated : scale(gated, { factor: stage.factor }), x);
}

function stem(images: FeatureMap): FeatureMap {
  const pool = { kernel: 3, stride: 2 };
  const first = conv(conv(images, 'conv2d_1a', halve(32)), 'conv2d_2a', valid(32, 3));
  const second = maxPool(conv(first, 'conv2d_2b', same(64, 3)), pool);
  return maxPool(conv(conv(second, 'conv2d_3b', same(80, 1)), 'conv2d_4a', valid(192, 3)), pool);
}

const firstModule = (x: FeatureMap): FeatureMap =>
  scope(x, 'mixed_5b', (y) => {
    const pooled = avgPool(y, { kernel: 3, stride: 1, padding: 1, countIncludePad: false });
    return concat([
      ...branches(y, [[same(96, 1)], [same(48, 1), same(64, 5)], [same(64, 1), same(96, 3), same(96, 3)]]),
      // The pool is the branch's number 0.
      conv(pooled, 'branch3.1', same(64, 1)),
    ]);
  });

/** What halves the map ahead of the second and the third kind of modules. */
const REDUCTIONS: readonly (readonly [name: string, branches: readonly (readonly Conv[])[]])[] = [
  ['mixed_6a', [[halve(384)], [same(256, 1), same(256, 3), halve(384)]]],
  [
    'mixed_7a',
    [
      [same(256, 1), halve(384)],
      [same(256, 1), halve(288)],
      [same(256, 1), same(288, 3), halve(320)],
    ],
  ],
];

const reduce = (x: FeatureMap, [name, list]: (typeof REDUCTIONS)[number]): FeatureMap =>
  scope(x, name, (y) => concat([...branches(y, list), maxPool(y, { kernel: 3, stride: 2 })]));

function defineInceptionResnet(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [299, 299, 3], classes = 1000, dropout: rate = 0 } = options;
  const build = (images: FeatureMap): FeatureVector => {
    let x = firstModule(stem(images));
    STAGES.forEach((stage, index) => {
      if (index > 0) x = reduce(x, REDUCTIONS[index - 1]!);
      const se = excitationOf(excited, options, index);
      for (let i = 0; i < stage.count; i += 1) {
        x = scope(x, `${stage.name}.${i}`, (y) => relu(residual(y, stage, se)));
      }
    });
    x = scope(x, LAST.name, (y) => residual(y, LAST, excitationOf(excited, options, STAGES.length - 1)));
    return classify(globalAvgPool(conv(x, 'conv2d_7b', same(1536, 1))), rate, classes, 'classif');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the Inception-ResNets. */
export type InceptionResnetName = 'inception_resnet_v2' | 'se_inception_resnet_v2';

/** Without SE and with it. */
export const inceptionResnets = withAndWithoutSe('inception_resnet_v2', STAGES.length, defineInceptionResnet);
