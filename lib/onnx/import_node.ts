/** A node of a file with its inputs and attributes, read with checks, and the graph that grows from it. */
import { UnsupportedError } from '../errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Attributes } from '../ir/graph.ts';
import type { ParameterSpec } from '../layers/model_builder.ts';
import { type FloatConstant, readConstant } from './constant.ts';
import { FormatProblem } from './protobuf.ts';
import { type AttributeMessage, attributeTypes, type NodeMessage } from './schema.ts';
import { describe, dimsOf, type Feature, type Look, type Value } from './values.ts';

/** How the values of a parameter come out of a constant. */
export interface ParameterOptions {
  readonly kind?: 'parameter' | 'state';
  /** Our shape, where it differs from the constant's. */
  readonly shape?: readonly number[];
  /** The constant's shape is the one for state dicts. */
  readonly keepsShape?: boolean;
  /** A change of the values, and a word that tells it from others. */
  readonly change?: { readonly key: string; readonly apply: (values: Float32Array) => Float32Array };
}

/** The graph that is being made, and its parameters. */
export interface Target {
  readonly builder: GraphBuilder;
  /** A parameter with the values of a constant; the same constant gives the same parameter. */
  parameter(constant: FloatConstant, options?: ParameterOptions): number;
  /** A state that is one number everywhere. */
  filled(name: string, size: number, value: number): number;
  readonly specs: readonly ParameterSpec[];
}

export class ImportNode {
  readonly target: Target;
  readonly opset: number;
  /** How many nodes read each name. */
  readonly uses: ReadonlyMap<string, number>;
  readonly #message: NodeMessage;
  readonly #values: readonly (Value | undefined)[];
  readonly #attributes: ReadonlyMap<string, AttributeMessage>;

  constructor(
    message: NodeMessage,
    values: readonly (Value | undefined)[],
    target: Target,
    opset: number,
    uses: ReadonlyMap<string, number>,
  ) {
    this.#message = message;
    this.#values = values;
    this.target = target;
    this.opset = opset;
    this.uses = uses;
    this.#attributes = new Map(message.attribute.map((attribute) => [attribute.name ?? '', attribute]));
    if (this.#attributes.size < message.attribute.length) this.fail('an attribute is there twice');
  }

  get opType(): string {
    return this.#message.opType ?? '';
  }

  /** Number of inputs, absent ones in between included. */
  get inputs(): number {
    return this.#values.length;
  }

  get outputs(): readonly string[] {
    return this.#message.output;
  }

  /** Says what in the node is wrong. */
  fail(problem: string): never {
    throw new FormatProblem('', problem);
  }

  /** Says what senet cannot do. */
  unsupported(what: string): never {
    throw new UnsupportedError(what);
  }

  has(position: number): boolean {
    return this.#values[position] !== undefined;
  }

  value(position: number): Value {
    const value = this.#values[position];
    return value ?? this.fail(`expected input ${position}, found none`);
  }

  feature(position: number): Feature {
    const value = this.value(position);
    if (value.kind !== 'feature') {
      return this.unsupported(
        `input ${position}: expected a value computed from the images, found ${describe(value)}`,
      );
    }
    if (value.isProbabilities === true) this.unsupported('a Softmax must be the last node');
    return value;
  }

  /** A tensor of weights, of that rank where one is given. */
  constant(position: number, rank?: number): FloatConstant {
    const value = this.value(position);
    if (value.kind !== 'floats') {
      return this.unsupported(`input ${position}: expected a constant of floats, found ${describe(value)}`);
    }
    if (rank !== undefined && value.dims.length !== rank) {
      this.fail(`input ${position}: expected ${rank} dimensions, found [${value.dims.join(', ')}]`);
    }
    return value;
  }

  /** A single number. */
  number(position: number): number {
    const value = this.value(position);
    if (value.kind === 'floats' && value.dims.every((d) => d === 1)) return value.load()[0]!;
    if (value.kind === 'integers' && value.values.length === 1) return value.values[0]!;
    return this.unsupported(`input ${position}: expected a single number, found ${describe(value)}`);
  }

  /** Whole numbers that are known. */
  integers(position: number): readonly number[] {
    const value = this.value(position);
    if (value.kind === 'integers' && value.dims.length < 2) return value.values;
    return this.unsupported(
      `input ${position}: expected a list of whole numbers that are known, found ${describe(value)}`,
    );
  }

  /** Shape of a feature in our graph. */
  shape(feature: Feature): readonly number[] {
    return this.target.builder.type(feature.id).shape;
  }

  /** Dimensions of a feature in ONNX, without the batch. */
  dims(feature: Feature): number[] {
    return dimsOf(this.shape(feature), feature.look);
  }

  /** A feature as a map; a vector is one of a single position. */
  map(position: number): number {
    const { id, look } = this.feature(position);
    if (look.kind === 'map') return id;
    if (look.kind === 'vector' && look.ones === 2) {
      const channels = this.target.builder.type(id).shape[1]!;
      return this.emit('unflatten', [id], { size: [1, 1], channels });
    }
    return this.unsupported(`input ${position}: expected [N, C, H, W], found ${this.#words(position)}`);
  }

  /** A vector [N, C]. */
  vector(position: number): number {
    const { id, look } = this.feature(position);
    if (look.kind === 'vector' && look.ones === 0) return id;
    return this.unsupported(`input ${position}: expected [N, C], found ${this.#words(position)}`);
  }

  emit(op: string, inputs: readonly number[], attributes: Attributes = {}): number {
    return this.target.builder.emit(op, inputs, attributes)[0]!;
  }

  feed(id: number, look: Look): Feature {
    return { kind: 'feature', id, look };
  }

  hasAttribute(name: string): boolean {
    return this.#attributes.has(name);
  }

  int(name: string, fallback: number): number {
    const attribute = this.#attribute(name, attributeTypes.int);
    return attribute === undefined ? fallback : (attribute.i ?? 0);
  }

  float(name: string, fallback: number): number {
    const attribute = this.#attribute(name, attributeTypes.float);
    return attribute === undefined ? fallback : (attribute.f ?? 0);
  }

  /** Whole numbers, of which there must be `count` where it is given, each within the bounds of a size. */
  ints(name: string, fallback: readonly number[], count?: number, least = 0): readonly number[] {
    const list = this.#attribute(name, attributeTypes.ints)?.ints ?? fallback;
    const wrong = list.some((n) => !Number.isSafeInteger(n) || n < least || n > 2 ** 31 - 1);
    if (wrong || (count !== undefined && list.length !== count)) {
      this.fail(
        `${name}: expected ${count ?? 'some'} whole numbers of at least ${least}, found [${list.join(', ')}]`,
      );
    }
    return list;
  }

  text(name: string, fallback: string): string {
    const attribute = this.#attribute(name, attributeTypes.string);
    return attribute?.s === undefined ? fallback : new TextDecoder().decode(attribute.s.subarray(0, 64));
  }

  /** The value of a Constant. */
  constantAttribute(name: string): Value {
    const tensor = this.#attribute('value', attributeTypes.tensor)?.t;
    if (tensor !== undefined) return readConstant(tensor, name);
    const scalar = (values: readonly number[]): Value => ({ kind: 'integers', name, dims: [], values });
    if (this.hasAttribute('value_int')) return scalar([this.int('value_int', 0)]);
    if (this.hasAttribute('value_ints')) {
      const values = this.#attribute('value_ints', attributeTypes.ints)!.ints;
      return { kind: 'integers', name, dims: [values.length], values };
    }
    const floats = this.hasAttribute('value_float')
      ? [this.float('value_float', 0)]
      : this.#attribute('value_floats', attributeTypes.floats)?.floats;
    if (floats === undefined) return this.unsupported('a constant that is no tensor of numbers');
    const dims = this.hasAttribute('value_float') ? [] : [floats.length];
    return { kind: 'floats', name, dims, load: () => Float32Array.from(floats) };
  }

  /** Refuses an attribute that is anything but what senet does. */
  expectInt(name: string, expected: number): void {
    const value = this.int(name, expected);
    if (value !== expected) this.unsupported(`${name}: expected ${expected}, found ${value}`);
  }

  #words(position: number): string {
    return `[N, ${this.dims(this.feature(position)).join(', ')}]`;
  }

  #attribute(name: string, type: number): AttributeMessage | undefined {
    const attribute = this.#attributes.get(name);
    if (attribute !== undefined && attribute.type !== undefined && attribute.type !== type) {
      this.fail(`${name}: expected an attribute of type ${type}, found type ${attribute.type}`);
    }
    return attribute;
  }
}
