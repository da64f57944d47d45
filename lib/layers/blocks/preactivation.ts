/** Residual blocks with the norms ahead of the convolutions (He et al. 2016, "Identity mappings"). */
import { add } from '../add.ts';
import { conv2d } from '../conv2d.ts';
import { expectMap, type FeatureMap, type MapFor } from '../feature.ts';
import { emitNormTail } from '../norm_tail.ts';
import { checkKeys, readWhole } from '../options.ts';
import { type SqueezeExciteOptions, squeezeExcite } from '../squeeze_excite.ts';

export interface PreactivationOptions<K extends number> {
  /** Output channels. */
  readonly filters: K;
  /** Default 1. */
  readonly stride?: number;
  /** Channels between two 1x1 convolutions; default none: the block is two 3x3 convolutions. */
  readonly width?: number;
  /** The SE block behind the last convolution, or none (default). */
  readonly se?: SqueezeExciteOptions;
  readonly name?: string;
}

/**
 * Norm, ReLU and convolution, twice or with `width` three times, and a shortcut around them. Where the shape changes,
 * the shortcut is a 1x1 convolution of what the first norm and ReLU give.
 *
 * @example
 * preactivationBlock(x, { filters: 64, stride: 2, se: { reduction: 16 } })
 */
export function preactivationBlock<F, const K extends number>(
  x: F & MapFor<'preactivationBlock', F>,
  options: PreactivationOptions<K>,
): FeatureMap<K> {
  checkKeys('preactivationBlock', options, ['filters', 'stride', 'width', 'se', 'name']);
  const map = expectMap('preactivationBlock', x);
  const layer = map.builder.enter('preactivationBlock', options.name);
  const filters = readWhole(`${layer}: filters`, options.filters, 1);
  const stride = readWhole(`${layer}: stride`, options.stride ?? 1, 1);
  const width = options.width === undefined ? undefined : readWhole(`${layer}: width`, options.width, 1);
  const body = (): FeatureMap => {
    const ready = emitNormTail(map, { name: 'bn1' });
    const kernels = width === undefined ? [3, 3] : [1, 3, 1];
    const last = kernels.reduce((input, kernel, i) => {
      const isLast = i === kernels.length - 1;
      return conv2d(i === 0 ? input : emitNormTail(input, { name: `bn${i + 1}` }), {
        filters: isLast ? filters : (width ?? filters),
        kernel,
        // That of the first 3x3 convolution.
        stride: i === kernels.indexOf(3) ? stride : 1,
        bias: false,
        name: `conv${i + 1}`,
      });
    }, ready);
    const branch = options.se === undefined ? last : squeezeExcite(last, { name: 'se', ...options.se });
    if (stride === 1 && map.channels === filters) return add(map, branch);
    const projection = {
      filters,
      kernel: 1,
      stride,
      padding: 'valid',
      bias: false,
      name: 'downsample',
    } as const;
    return add(conv2d(ready, projection), branch);
  };
  return map.builder.scope(options.name ?? layer.split('.').at(-1)!, body) as FeatureMap<K>;
}
