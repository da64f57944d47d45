import { ArgumentError } from '../errors.ts';
import { ABSENT } from '../ir/graph.ts';
import { type GateKind, gateKinds, type HiddenKind, hiddenKinds } from '../ops/excite.ts';
import { type SqueezeKind, squeezeKinds } from '../ops/squeeze_excite.ts';
import { expectMap, type FeatureMap, like, type MapFor } from './feature.ts';
import type { ModelBuilder } from './model_builder.ts';
import { checkKeys, readChoice, readFlag, readWhole, show } from './options.ts';

export interface SqueezeExciteOptions {
  /** The paper's r: the hidden layer has channels / r units; default 16. */
  readonly reduction?: number;
  /** Units of the hidden layer, in place of `reduction`. */
  readonly reducedWidth?: number;
  /**
   * How channels / reduction becomes a width: `'floor'` (default, at least 1), or `'divisible8'`, the nearest multiple
   * of 8 (at least 8), as timm does.
   */
  readonly rule?: 'floor' | 'divisible8';
  /** What happens to the positions: `'avg'` (default), `'max'`, or `'none'`, a gate for each position. */
  readonly squeeze?: SqueezeKind;
  /** What makes the gate of the second layer's output: default `'sigmoid'`; `'hard_sigmoid'` in MobileNetV3. */
  readonly gate?: GateKind;
  /** Activation of the hidden layer: default `'relu'`; `'silu'` in EfficientNet. */
  readonly hidden?: HiddenKind;
  /** Biases in both layers; default true. */
  readonly bias?: boolean;
  /** Names of the two layers; default `['fc1', 'fc2']`. */
  readonly layers?: readonly [reduce: string, expand: string];
  readonly name?: string;
}

export const squeezeExciteKeys = [
  'reduction',
  'reducedWidth',
  'rule',
  'squeeze',
  'gate',
  'hidden',
  'bias',
  'layers',
  'name',
];

/** Whether the squeeze is the average over positions, which passes over a map before the block can take along. */
export const takesAverage = ({ squeeze = 'avg' }: SqueezeExciteOptions): boolean => squeeze === 'avg';

/** A checked description of an SE block over a number of channels. */
export interface SqueezeExcitePlan {
  readonly reduced: number;
  readonly squeeze: SqueezeKind;
  readonly gate: GateKind;
  readonly hidden: HiddenKind;
  readonly bias: boolean;
  readonly layers: readonly [reduce: string, expand: string];
}

function readLayers(where: string, layers: readonly unknown[]): [string, string] {
  const [reduce, expand] = Array.isArray(layers) ? layers : [];
  if (typeof reduce === 'string' && typeof expand === 'string' && reduce !== '' && expand !== '') {
    if (layers.length === 2 && reduce !== expand) return [reduce, expand];
  }
  throw new ArgumentError(`${where}: layers: expected two different names, received ${show(layers)}`);
}

/** Checks the options; `where` starts each message. */
export function planSqueezeExcite(
  where: string,
  channels: number,
  options: SqueezeExciteOptions,
): SqueezeExcitePlan {
  checkKeys(where, options, squeezeExciteKeys);
  const reduction = readWhole(`${where}: reduction`, options.reduction ?? 16, 1);
  const rule = readChoice(`${where}: rule`, options.rule ?? 'floor', ['floor', 'divisible8']);
  const width =
    rule === 'floor'
      ? Math.max(1, Math.floor(channels / reduction))
      : Math.max(8, Math.floor((channels / reduction + 4) / 8) * 8);
  return {
    reduced: readWhole(`${where}: reducedWidth`, options.reducedWidth ?? width, 1),
    squeeze: readChoice(`${where}: squeeze`, options.squeeze ?? 'avg', squeezeKinds),
    gate: readChoice(`${where}: gate`, options.gate ?? 'sigmoid', gateKinds),
    hidden: readChoice(`${where}: hidden`, options.hidden ?? 'relu', hiddenKinds),
    bias: readFlag(`${where}: bias`, options.bias ?? true),
    layers: readLayers(where, options.layers ?? ['fc1', 'fc2']),
  };
}

/** Declares the two layers of an excitation: w1, b1, w2, b2; biases absent without them. Stored as 1x1 convolutions. */
export function declareExcitation(
  builder: ModelBuilder,
  layer: string,
  channels: number,
  { reduced, bias, layers: [reduce, expand] }: SqueezeExcitePlan,
): number[] {
  const fc = (name: string, units: number, inputs: number) => {
    const initializer = { kind: 'heNormal', fan: inputs } as const;
    const weight = builder.parameter(`${layer}.${name}.weight`, [units, inputs], initializer, {
      decay: true,
      storedShape: [units, inputs, 1, 1],
    });
    if (!bias) return [weight, ABSENT];
    return [weight, builder.parameter(`${layer}.${name}.bias`, [units], { kind: 'constant', value: 0 })];
  };
  return [...fc(reduce, reduced, channels), ...fc(expand, channels, reduced)];
}

/**
 * Squeeze-and-excitation block (Hu et al.): scales each channel of a map by a gate computed from all channels.
 *
 * @example
 * squeezeExcite(x, { reduction: 8, gate: 'tanh' })
 */
export function squeezeExcite<F>(
  x: F & MapFor<'squeezeExcite', F>,
  options: SqueezeExciteOptions = {},
): F & FeatureMap {
  const map = expectMap('squeezeExcite', x);
  const { builder, channels } = map;
  checkKeys('squeezeExcite', options, squeezeExciteKeys);
  const layer = builder.enter('se', options.name);
  const plan = planSqueezeExcite(layer, channels, options);
  const weights = declareExcitation(builder, layer, channels, plan);
  const { squeeze, gate, hidden } = plan;
  const id = builder.emit('squeeze_excite', [map.id, ...weights], { squeeze, gate, hidden });
  return like(map, id) as F & FeatureMap;
}
