/**
 * What an op is: its inputs, shape rule, gradient and decomposition. Each op is defined once, in the file that bears
 * its name; speed is the backends' business.
 */
import { ArgumentError, ArgumentRangeError, ShapeError } from '../errors.ts';
import { ABSENT, type Attributes, type AttributeValue, formatShape, type TensorType } from '../ir/graph.ts';

/** Appends nodes to a graph that is being made. */
export interface Emitter {
  /** Appends a node and returns its output ids; absent outputs are {@link ABSENT}. */
  emit(op: string, inputs: readonly number[], attributes?: Attributes): number[];
  /** The type of a value. */
  type(id: number): TensorType;
}

/** What a gradient rule or a decomposition sees of its node. */
export interface NodeView {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attributes: Attributes;
  /** Id of an input, {@link ABSENT} when it is not given. */
  input(position: number): number;
  /** Id of an output, {@link ABSENT} when it is not given. */
  output(position: number): number;
}

/** A gradient rule's view: what arrives at the outputs, and where to leave what goes to the inputs. */
export interface GradientContext extends NodeView, Emitter {
  /** Gradient of the loss in an output, ABSENT when nothing depends on it. */
  gradient(position: number): number;
  /** Whether anything wants the gradient in this input; false for images and labels. */
  wants(position: number): boolean;
  /** Adds a contribution to the gradient of an input. */
  give(position: number, gradient: number): void;
}

export interface DecomposeContext extends NodeView, Emitter {}

/** The types of the inputs as they stand in the node; an absent optional one is undefined. */
export type InputTypes = readonly (TensorType | undefined)[];

export interface Op {
  readonly name: string;
  /** Input names; `?` marks an optional one, a leading `...` the rest. */
  readonly inputs: readonly string[];
  /** Output types; undefined for an optional output that this node does not have. Throws ShapeError. */
  infer(node: OpNode): (TensorType | undefined)[];
  /** Emits the gradient; an op without this rule is decomposed first, or cannot be differentiated. */
  gradient?(context: GradientContext): void;
  /** Emits the same computation in plainer ops and returns the ids of its outputs. */
  decompose?(context: DecomposeContext): number[];
  /**
   * Attributes to use when the node takes part in training, beyond its own: ops that save something for their
   * gradient set `training` here.
   */
  readonly trainingAttributes?: Attributes;
}

/** A node whose inputs and attributes can be read with checks; every failure names layer and op. */
export class OpNode {
  readonly op: string;
  readonly layer: string;
  readonly attributes: Attributes;
  readonly #names: readonly string[];
  readonly #inputs: InputTypes;

  constructor(op: Op, layer: string, inputs: InputTypes, attributes: Attributes) {
    this.op = op.name;
    this.layer = layer;
    this.attributes = attributes;
    this.#names = op.inputs;
    this.#inputs = inputs;
  }

  get types(): InputTypes {
    return this.#inputs;
  }

  /** Type of an input that must be there. */
  input(position: number): TensorType {
    const type = this.#inputs[position];
    if (type === undefined) {
      throw new ArgumentError(
        `${this.where}: expected an input '${this.#names[position] ?? position}', received none`,
      );
    }
    return type;
  }

  /** Type of an optional input. */
  optional(position: number): TensorType | undefined {
    return this.#inputs[position];
  }

  /** A feature map's [N, H, W, C]. */
  map(position: number): [number, number, number, number] {
    const { shape } = this.input(position);
    if (shape.length !== 4) this.fail(position, 'a feature map [N, H, W, C]', formatShape(shape));
    return [shape[0]!, shape[1]!, shape[2]!, shape[3]!];
  }

  /** A vector's [N, C]. */
  vector(position: number): [number, number] {
    const { shape } = this.input(position);
    if (shape.length !== 2) this.fail(position, 'a vector [N, C]', formatShape(shape));
    return [shape[0]!, shape[1]!];
  }

  /** Checks an input's whole shape; `what` says in words what it must be. */
  expect(position: number, shape: readonly number[], what: string): void {
    const { shape: received } = this.input(position);
    if (received.length !== shape.length || received.some((d, i) => d !== shape[i])) {
      this.fail(position, `${formatShape(shape)} (${what})`, formatShape(received));
    }
  }

  number(key: string): number {
    return this.#attribute(key, 'number');
  }

  flag(key: string): boolean {
    return this.#attribute(key, 'boolean');
  }

  text<T extends string>(key: string, allowed: readonly T[]): T {
    const value: string = this.#attribute(key, 'string');
    const found = allowed.find((a) => a === value);
    if (found === undefined) {
      throw new ArgumentRangeError(
        `${this.where}: ${key}: expected ${allowed.join(' | ')}, received '${value}'`,
      );
    }
    return found;
  }

  /** A list of numbers. */
  numbers(key: string): readonly number[] {
    const value = this.attributes[key];
    if (!Array.isArray(value)) throw new ArgumentError(`${this.where}: ${key}: expected a list of numbers`);
    return value;
  }

  /** A list of integers, each at least `least`. */
  integers(key: string, count: number | undefined, least: number): readonly number[] {
    const value = this.attributes[key];
    if (!Array.isArray(value)) throw new ArgumentError(`${this.where}: ${key}: expected a list of integers`);
    const list: readonly number[] = value;
    if (
      (count !== undefined && list.length !== count) ||
      list.some((x) => !Number.isSafeInteger(x) || x < least)
    ) {
      throw new ArgumentRangeError(
        `${this.where}: ${key}: expected ${count ?? 'some'} integers of at least ${least}, received [${list.join(', ')}]`,
      );
    }
    return list;
  }

  integer(key: string, least: number): number {
    const value = this.number(key);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new ArgumentRangeError(
        `${this.where}: ${key}: expected an integer of at least ${least}, received ${value}`,
      );
    }
    return value;
  }

  fail(position: number, expected: string, received: string): never {
    const name = this.#names[position]?.replace('?', '') ?? `input ${position}`;
    throw new ShapeError(`${this.where}: ${name}: expected ${expected}, received ${received}`);
  }

  get where(): string {
    return this.layer === '' ? this.op : `${this.layer}: ${this.op}`;
  }

  #attribute(key: string, type: 'number'): number;
  #attribute(key: string, type: 'boolean'): boolean;
  #attribute(key: string, type: 'string'): string;
  #attribute(key: string, type: 'number' | 'boolean' | 'string'): AttributeValue {
    const value = this.attributes[key];
    if (typeof value !== type) {
      throw new ArgumentError(`${this.where}: ${key}: expected a ${type}, received ${String(value)}`);
    }
    return value as AttributeValue;
  }
}

/** Those of the named attributes that `from` has, for handing on to a gradient op. */
export function pick(from: Attributes, ...keys: string[]): Attributes {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]!]));
}

/** A list of ids without trailing absent ones. */
export function trim(ids: readonly number[]): number[] {
  let length = ids.length;
  while (length > 0 && ids[length - 1] === ABSENT) length -= 1;
  return ids.slice(0, length);
}
