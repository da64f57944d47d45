/** Models with weights that make every layer matter, and what senet computes with them. */
import { inferenceGraph } from '../../lib/graph/programs.ts';
import { ABSENT, sizeOf } from '../../lib/ir/graph.ts';
import type { ModelDefinition } from '../../lib/layers/index.ts';
import { type ExportSettings, encodeOnnx } from '../../lib/onnx/export.ts';
import type { StateDict, StateTensor } from '../../lib/weights.ts';
import { runGraph } from '../helpers/run_graph.ts';

/** A cheap generator of numbers in [-1, 1), good enough to fill a hundred million weights with. */
export function noise(count: number, seed: number, scale: number, shift = 0): Float32Array {
  const values = new Float32Array(count);
  let state = (seed * 0x9e3779b9) | 0;
  for (let i = 0; i < count; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = (state / 2 ** 31) * scale + shift;
  }
  return values;
}

/** Names of the scales that a residual branch ends with: of its last norm, or where norms come first, its last convolution. */
function lastScales({ graph }: ModelDefinition): Set<string> {
  const added = new Set(
    graph.nodes.filter(({ op }) => op === 'add' || op === 'squeeze_excite').flatMap(({ inputs }) => inputs),
  );
  const ends = graph.nodes.filter(
    ({ op, inputs, outputs }) =>
      (op === 'norm_tail' && (inputs[5] ?? ABSENT) !== ABSENT) || (op === 'conv2d' && added.has(outputs[0]!)),
  );
  return new Set(ends.map(({ inputs }) => graph.values[inputs[1]!]!.name));
}

/**
 * Weights under which activations keep their size: convolutions by their inputs, norms near the identity, but weak ones
 * at the end of residual branches, so that many blocks do not add up to infinity.
 */
export function randomWeights(definition: ModelDefinition, seed = 1): StateDict {
  const weak = lastScales(definition);
  return new Map(
    definition.parameters.map((spec, i): [string, StateTensor] => {
      const { name, kind } = spec;
      const shape = spec.storedShape ?? spec.shape;
      const fill = (): Float32Array => {
        const count = sizeOf(shape);
        if (kind === 'state') return noise(count, seed + i, 0.3, name.endsWith('running_var') ? 1 : 0);
        const scale = weak.has(name) ? 0.3 : 1;
        if (shape.length > 1) return noise(count, seed + i, scale * Math.sqrt(6 / sizeOf(shape.slice(1))));
        return noise(count, seed + i, 0.2, name.endsWith('.weight') ? scale : 0);
      };
      return [name, { shape, data: fill() }];
    }),
  );
}

/** The bytes of an exported file, without the way over a disk. */
export function onnxBytes(
  definition: ModelDefinition,
  weights: StateDict,
  options: Partial<ExportSettings> = {},
): Uint8Array {
  const settings = { opset: 17, batchSize: 'dynamic', output: 'logits', ...options } as const;
  return Buffer.concat(encodeOnnx(definition, weights, settings));
}

/** What `predict` computes before its softmax. */
export async function logitsOf(
  definition: ModelDefinition,
  weights: StateDict,
  images: Float32Array,
  batch: number,
): Promise<Float32Array> {
  const [logits] = await runGraph(inferenceGraph(definition.graph, batch), weights, { images });
  return Float32Array.from(logits!);
}

/** Images [N, H, W, C] as [N, C, H, W]. */
export function toNchw(images: Float32Array, [h, w, c]: readonly [number, number, number]): Float32Array {
  const turned = new Float32Array(images.length);
  const size = h * w * c;
  for (let n = 0; n < images.length / size; n += 1) {
    for (let p = 0; p < h * w; p += 1) {
      for (let k = 0; k < c; k += 1) turned[n * size + k * h * w + p] = images[n * size + p * c + k]!;
    }
  }
  return turned;
}

/** Largest difference as a share of the largest expected value. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i += 1) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
  }
  // A comparison that a NaN fails.
  return difference / largest >= 0 ? difference / largest : Number.POSITIVE_INFINITY;
}
