/** Makes graphs: every node passes its op's shape rule before it is appended. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import {
  ABSENT,
  type Attributes,
  type Graph,
  type Node,
  type TensorType,
  type Value,
  type ValueKind,
} from '../ir/graph.ts';
import { findOp } from '../ops/index.ts';
import { type Emitter, OpNode, trim } from '../ops/op.ts';

export class GraphBuilder implements Emitter {
  readonly values: Value[] = [];
  readonly nodes: Node[] = [];
  /** Name of the layer that nodes appended from here on belong to. */
  layer = '';
  readonly #names = new Set<string>();

  /** A value given anew for each run. */
  input(name: string, type: TensorType): number {
    return this.#named('input', name, type);
  }

  /** A learned value. */
  parameter(name: string, type: TensorType): number {
    return this.#named('parameter', name, type);
  }

  /** A value kept between runs that is not learned by gradient. */
  state(name: string, type: TensorType): number {
    return this.#named('state', name, type);
  }

  emit(op: string, inputs: readonly number[], attributes: Attributes = {}): number[] {
    const definition = findOp(op);
    const variadic = definition.inputs.some((name) => name.startsWith('...'));
    if (!variadic && trim(inputs).length > definition.inputs.length) {
      throw new ArgumentError(
        `${op}: expected at most ${definition.inputs.length} inputs, received ${inputs.length}`,
      );
    }
    const types = inputs.map((id) => (id === ABSENT ? undefined : this.type(id)));
    const outputs = definition
      .infer(new OpNode(definition, this.layer, types, attributes))
      .map((type) => (type === undefined ? ABSENT : this.#add('intermediate', this.layer, type)));
    this.nodes.push({ op, layer: this.layer, inputs: trim(inputs), outputs: trim(outputs), attributes });
    return outputs;
  }

  type(id: number): TensorType {
    const value = this.values[id];
    if (value === undefined)
      throw new ArgumentRangeError(`value: expected the id of a value, received ${id}`);
    return value;
  }

  /** The finished graph; the builder may go on growing without changing it. */
  finish(outputs: readonly number[]): Graph {
    return { values: [...this.values], nodes: [...this.nodes], outputs: [...outputs] };
  }

  #named(kind: ValueKind, name: string, type: TensorType): number {
    if (this.#names.has(name))
      throw new ArgumentRangeError(`name: expected a new name, received '${name}' again`);
    this.#names.add(name);
    return this.#add(kind, name, type);
  }

  #add(kind: ValueKind, name: string, type: TensorType): number {
    const id = this.values.length;
    this.values.push({ id, kind, name, shape: type.shape, dtype: type.dtype });
    return id;
  }
}
