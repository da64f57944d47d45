/**
 * Networks whose blocks have two branches that training mixes at random (Gastaldi 2017), plain and with SE, which stands
 * behind the mixture, ahead of the sum: Shake-Shake 26 2x96d for CIFAR-10, a ResNet of four blocks in each of three
 * stages, and Shake-Even 29 2x4x64d for CIFAR-100, a ResNeXt of three.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  add,
  batchNorm,
  concat,
  conv2d,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  normTail,
  pad,
  relu,
  type SqueezeExciteOptions,
  scope,
  shake,
  squeezeExcite,
} from '../layers/index.ts';
import { convNorm } from './conv_norm.ts';
import { classify, excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

type Block = (
  x: FeatureMap,
  filters: number,
  stride: number,
  se: SqueezeExciteOptions | undefined,
) => FeatureMap;

interface Network {
  readonly classes: number;
  readonly stem: (images: FeatureMap) => FeatureMap;
  /** Channels of each stage; every stage but the first halves the map. */
  readonly widths: readonly number[];
  /** In each stage. */
  readonly blocks: number;
  readonly block: Block;
  /** What follows the last block. */
  readonly end: (x: FeatureMap) => FeatureMap;
}

/** The mixture of two branches, and SE. */
function mix(
  branch: (name: string) => FeatureMap,
  backward: 'shake' | 'even',
  se: SqueezeExciteOptions | undefined,
): FeatureMap {
  const mixed = shake(branch('branch1'), branch('branch2'), { backward });
  return se ? squeezeExcite(mixed, { name: 'se', ...se }) : mixed;
}

/**
 * A shortcut of two paths: each takes every second cell of a map that shrinks, the second path those one up and to the left
 * of the first one's, and makes half of the channels.
 */
function twoPaths(x: FeatureMap, filters: number, stride: number): FeatureMap {
  const half = { filters: filters / 2, kernel: 1, stride, padding: 'valid', bias: false } as const;
  const moved = pad(x, { padding: [1, -1, 1, -1] });
  const paths = [conv2d(x, { ...half, name: 'conv1' }), conv2d(moved, { ...half, name: 'conv2' })];
  return batchNorm(concat(paths), { name: 'bn' });
}

const shakeBlock: Block = (x, filters, stride, se) => {
  const active = relu(x);
  const branch = (name: string): FeatureMap =>
    scope(active, name, (y) => {
      const first = convNorm(y, { name: 'conv1', norm: 'bn1', filters, kernel: 3, stride });
      const last = conv2d(first, { filters, kernel: 3, bias: false, name: 'conv2' });
      return normTail(last, { name: 'bn2', relu: false });
    });
  const shortcut =
    x.channels === filters ? x : scope(active, 'downsample', (y) => twoPaths(y, filters, stride));
  return add(mix(branch, 'shake', se), shortcut);
};

const shake26: Network = {
  classes: 10,
  stem: (images) => {
    const y = conv2d(images, { filters: 16, kernel: 3, bias: false, name: 'conv1' });
    return normTail(y, { name: 'bn1', relu: false });
  },
  widths: [96, 192, 384],
  blocks: 4,
  block: shakeBlock,
  end: relu,
};

const GROUPS = 4;

function projection(x: FeatureMap, filters: number, stride: number): FeatureMap {
  if (x.channels === filters) return x;
  const conv = { filters, kernel: 1, stride, padding: 'valid', bias: false } as const;
  return batchNorm(conv2d(x, { ...conv, name: 'downsample.0' }), { name: 'downsample.1' });
}

const evenBlock: Block = (x, filters, stride, se) => {
  const branch = (name: string): FeatureMap =>
    scope(x, name, (y) => {
      const first = convNorm(y, { name: 'conv1', norm: 'bn1', filters, kernel: 1 });
      const middle = { filters, kernel: 3, stride, groups: GROUPS };
      const second = convNorm(first, { name: 'conv2', norm: 'bn2', ...middle });
      const last = conv2d(second, { filters, kernel: 1, bias: false, name: 'conv3' });
      return normTail(last, { name: 'bn3', relu: false });
    });
  return relu(add(mix(branch, 'even', se), projection(x, filters, stride)));
};

const shakeEven29: Network = {
  classes: 100,
  stem: (images) => convNorm(images, { name: 'conv1', norm: 'bn1', filters: 64, kernel: 3 }),
  widths: [256, 512, 1024],
  blocks: 3,
  block: evenBlock,
  end: (x) => x,
};

const definer =
  (network: Network) =>
  (name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition => {
    const { input = [32, 32, 3], classes = network.classes, dropout: rate = 0 } = options;
    const build = (images: FeatureMap): FeatureVector => {
      let x = network.stem(images);
      network.widths.forEach((filters, stage) => {
        const se = excitationOf(excited, options, stage);
        for (let i = 0; i < network.blocks; i += 1) {
          const stride = stage > 0 && i === 0 ? 2 : 1;
          x = scope(x, `layer${stage + 1}.${i}`, (y) => network.block(y, filters, stride, se));
        }
      });
      return classify(globalAvgPool(network.end(x)), rate, classes, 'fc');
    };
    return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
  };

/** Names of the networks with shaken branches. */
export type ShakeName =
  | 'shake_shake26_2x96d'
  | 'se_shake_shake26_2x96d'
  | 'shake_even29_2x4x64d'
  | 'se_shake_even29_2x4x64d';

/** Without SE and with it. */
export const shakes = {
  ...withAndWithoutSe('shake_shake26_2x96d', shake26.widths.length, definer(shake26)),
  ...withAndWithoutSe('shake_even29_2x4x64d', shakeEven29.widths.length, definer(shakeEven29)),
};
