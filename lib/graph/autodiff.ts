/** Reverse-mode differentiation: walks the nodes backwards and lets each op emit its gradient, in terms of ops. */
import { UnsupportedError } from '../errors.ts';
import { ABSENT, type Node } from '../ir/graph.ts';
import { findOp } from '../ops/index.ts';
import type { GradientContext } from '../ops/op.ts';
import type { GraphBuilder } from './builder.ts';

/** Which values depend on one of the roots. */
function dependents(nodes: readonly Node[], roots: ReadonlySet<number>): Set<number> {
  const result = new Set(roots);
  for (const node of nodes) {
    if (node.inputs.some((id) => result.has(id))) {
      for (const id of node.outputs) if (id !== ABSENT) result.add(id);
    }
  }
  return result;
}

class Gradients {
  readonly #builder: GraphBuilder;
  readonly #contributions = new Map<number, number[]>();

  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  give(value: number, gradient: number): void {
    const list = this.#contributions.get(value);
    if (list === undefined) this.#contributions.set(value, [gradient]);
    else list.push(gradient);
  }

  /** The sum of all contributions so far, ABSENT when there are none. */
  take(value: number): number {
    const list = this.#contributions.get(value);
    if (list === undefined) return ABSENT;
    const sum = list.reduce((a, b) => this.#builder.emit('add', [a, b])[0]!);
    this.#contributions.set(value, [sum]);
    return sum;
  }
}

/**
 * Appends the gradient of the scalar `loss` to the graph.
 *
 * @param seed Value that holds d(loss), a scalar; 1 unless the loss is scaled.
 * @param wanted Values whose gradients are wanted.
 * @returns Gradient of each wanted value; ABSENT where the loss does not depend on it.
 * @throws UnsupportedError when an op on the way has no gradient.
 */
export function differentiate(
  builder: GraphBuilder,
  loss: number,
  seed: number,
  wanted: readonly number[],
): Map<number, number> {
  const forward = [...builder.nodes];
  const active = dependents(forward, new Set(wanted));
  const gradients = new Gradients(builder);
  gradients.give(loss, seed);

  for (const node of forward.toReversed()) {
    if (!node.inputs.some((id) => active.has(id))) continue;
    builder.layer = node.layer;
    const outputGradients = node.outputs.map((id) => (id === ABSENT ? ABSENT : gradients.take(id)));
    if (outputGradients.every((id) => id === ABSENT)) continue;
    const { gradient } = findOp(node.op);
    if (gradient === undefined) {
      throw new UnsupportedError(
        `${node.layer}: ${node.op}: has no gradient; it can be used in inference only`,
      );
    }
    const input = (i: number) => node.inputs[i] ?? ABSENT;
    const wants = (i: number) => input(i) !== ABSENT && active.has(input(i));
    const context: GradientContext = {
      inputs: node.inputs,
      outputs: node.outputs,
      attributes: node.attributes,
      input,
      output: (i) => node.outputs[i] ?? ABSENT,
      gradient: (i) => outputGradients[i] ?? ABSENT,
      wants,
      give: (i, id) => {
        if (wants(i)) gradients.give(input(i), id);
      },
      emit: (op, inputs, attributes) => builder.emit(op, inputs, attributes),
      type: (id) => builder.type(id),
    };
    gradient(context);
  }
  return new Map(wanted.map((id) => [id, gradients.take(id)]));
}
