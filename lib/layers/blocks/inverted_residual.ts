/** The inverted residual block of mobile networks: wide inside, narrow outside, with depthwise convolutions. */
import { type ActivationKind, activationKinds } from '../../ops/activation.ts';
import { add } from '../add.ts';
import { conv2d } from '../conv2d.ts';
import { dropPath } from '../drop_path.ts';
import { expectMap, type FeatureMap, type MapFor } from '../feature.ts';
import { emitActiveNorm } from '../norm_activation.ts';
import { emitNormTail } from '../norm_tail.ts';
import { checkKeys, type Pair, readChoice, readNumber, readWhole } from '../options.ts';
import type { SqueezeExciteOptions } from '../squeeze_excite.ts';

export interface InvertedResidualOptions<K extends number> {
  /** Output channels. */
  readonly filters: K;
  /** Channels of the depthwise convolution; default those of the input, and no 1x1 convolution before it. */
  readonly width?: number;
  /** Kernel of the depthwise convolution; default 3. */
  readonly kernel?: Pair;
  /** Default 1. */
  readonly stride?: number;
  /** Behind all norms but the last; default `'relu'`. */
  readonly activation?: ActivationKind;
  /** The SE block behind the depthwise convolution, its norm and its activation; or none (default). */
  readonly se?: SqueezeExciteOptions;
  /** Probability that training leaves the branch out for an image, where there is a shortcut; default 0. */
  readonly dropPath?: number;
  readonly name?: string;
}

const keys = ['filters', 'width', 'kernel', 'stride', 'activation', 'se', 'dropPath', 'name'];

/**
 * 1x1 convolution to `width` channels, depthwise convolution, SE, 1x1 convolution without activation (Sandler et al. 2018,
 * Howard et al. 2019), and a shortcut where the shape stays. Layer names are timm's.
 *
 * @example
 * invertedResidual(x, { filters: 40, width: 240, kernel: 5, activation: 'hard_swish', se: { reduction: 4 } })
 */
export function invertedResidual<F, const K extends number>(
  x: F & MapFor<'invertedResidual', F>,
  options: InvertedResidualOptions<K>,
): FeatureMap<K> {
  checkKeys('invertedResidual', options, keys);
  const map = expectMap('invertedResidual', x);
  const layer = map.builder.enter('invertedResidual', options.name);
  const filters = readWhole(`${layer}: filters`, options.filters, 1);
  const stride = readWhole(`${layer}: stride`, options.stride ?? 1, 1);
  const width = readWhole(`${layer}: width`, options.width ?? map.channels, 1);
  const activation = readChoice(`${layer}: activation`, options.activation ?? 'relu', activationKinds);
  const rate = readNumber(`${layer}: dropPath`, options.dropPath ?? 0, 0, 1);
  const { kernel = 3, se } = options;
  const expands = options.width !== undefined;
  const pointwise = { kernel: 1, padding: 'valid', bias: false } as const;
  const body = (): FeatureMap => {
    // Norms count from 1, and without the first convolution the last is not the third.
    let norms = 0;
    const norm = () => {
      norms += 1;
      return `bn${norms}`;
    };
    let y = map;
    if (expands) {
      y = conv2d(y, { filters: width, ...pointwise, name: 'conv_pw' });
      y = emitActiveNorm(y, { name: norm(), activation, se: undefined });
    }
    y = conv2d(y, { filters: width, kernel, stride, groups: width, bias: false, name: 'conv_dw' });
    y = emitActiveNorm(y, { name: norm(), activation, se: se === undefined ? se : { name: 'se', ...se } });
    y = conv2d(y, { filters, ...pointwise, name: expands ? 'conv_pwl' : 'conv_pw' });
    const last = { name: norm(), relu: false };
    if (stride !== 1 || map.channels !== filters) return emitNormTail(y, last);
    if (rate === 0) return emitNormTail(y, { ...last, identity: map });
    return add(map, dropPath(emitNormTail(y, last), { rate }));
  };
  return map.builder.scope(options.name ?? layer.split('.').at(-1)!, body) as FeatureMap<K>;
}
