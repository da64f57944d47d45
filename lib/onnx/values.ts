/** What the names in an ONNX graph stand for while it is being read. */
import type { FloatConstant, IntegerConstant } from './constant.ts';

/** Stands for the number of images in lists of whole numbers. */
export const BATCH = Number.MIN_SAFE_INTEGER;

/**
 * How a feature looks to ONNX. `map`: [N, C, H, W]. `rows`: a map as [N, C, H*W]. `vector`: [N, C] and so many ones.
 * `split`: channels in groups, [N, G, C/G, ...], or turned, [N, C/G, G, ...], which is half of a channel shuffle.
 */
export type Look =
  | { readonly kind: 'map' }
  | { readonly kind: 'rows' }
  | { readonly kind: 'vector'; readonly ones: number }
  | { readonly kind: 'split'; readonly groups: number; readonly turned: boolean };

/** A value that depends on the images. */
export interface Feature {
  readonly kind: 'feature';
  /** In our graph: [1, H, W, C] or [1, C]. */
  readonly id: number;
  readonly look: Look;
  /** Already through a softmax, which nothing but the output may follow. */
  readonly isProbabilities?: boolean;
  /** The same layer with a bias, where it has none yet and nothing else reads it. */
  readonly withBias?: (bias: FloatConstant) => Feature;
}

export type Value = Feature | FloatConstant | IntegerConstant | { readonly kind: 'unread' };

/** Dimensions of a feature as ONNX sees them, without the batch; `shape` is our own. */
export function dimsOf(shape: readonly number[], look: Look): number[] {
  const channels = shape.at(-1)!;
  const rest = shape.slice(1, -1);
  switch (look.kind) {
    case 'map':
      return [channels, ...rest];
    case 'rows':
      return [channels, rest[0]! * rest[1]!];
    case 'vector':
      return [channels, ...new Array<number>(look.ones).fill(1)];
    case 'split': {
      const pair = [look.groups, channels / look.groups];
      return [...(look.turned ? pair.reverse() : pair), ...rest];
    }
  }
}

/** A feature in words. */
export function describe(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  switch (value.kind) {
    case 'floats':
      return `a constant of [${value.dims.join(', ')}]`;
    case 'integers':
      return 'whole numbers';
    case 'unread':
      return 'a constant that is no list of numbers';
    case 'feature':
      return value.look.kind === 'vector' ? 'a vector' : 'a map';
  }
}
