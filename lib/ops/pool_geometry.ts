/** Window geometry, shared by the pooling ops. */
import type { OpNode } from './op.ts';

/** The attributes that describe the windows. */
export const poolGeometry = ['kernel', 'stride', 'padding'] as const;

/** Output length along one side, by PyTorch's rule: with `ceil` the last window must start inside input or left padding. */
function poolOutput(
  input: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
  ceil: boolean,
) {
  const span = input + before + after - kernel;
  const length = (ceil ? Math.ceil(span / stride) : Math.floor(span / stride)) + 1;
  return ceil && (length - 1) * stride >= input + before ? length - 1 : length;
}

/** Output shape of a pooling node with kernel, stride, padding and ceil. */
export function inferPool(node: OpNode): number[] {
  const [n, h, w, c] = node.map(0);
  const [kh, kw] = node.integers('kernel', 2, 1) as [number, number];
  const [sh, sw] = node.integers('stride', 2, 1) as [number, number];
  const [top, bottom, left, right] = node.integers('padding', 4, 0) as [number, number, number, number];
  if (Math.max(top, bottom) >= kh || Math.max(left, right) >= kw) {
    node.fail(0, `a padding smaller than the ${kh}x${kw} kernel`, `[${top}, ${bottom}, ${left}, ${right}]`);
  }
  const ceil = node.flag('ceil');
  const outH = poolOutput(h, kh, sh, top, bottom, ceil);
  const outW = poolOutput(w, kw, sw, left, right, ceil);
  if (outH < 1 || outW < 1) node.fail(0, `at least the ${kh}x${kw} window after padding`, `${h}x${w}`);
  return [n, outH, outW, c];
}

/** Shape of the gradient in a pooling op's input: spatial size from `size`, the rest from dy. */
export function gradShape(node: OpNode, dy: readonly number[]): number[] {
  const [h, w] = node.integers('size', 2, 1) as [number, number];
  return [dy[0]!, h, w, dy.at(-1)!];
}

/** [H, W] of a map's shape. */
export const spatialSize = (shape: readonly number[]): number[] => [shape[1]!, shape[2]!];
