/** Makes the forward graph of a model and keeps what is known of its parameters. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { type Attributes, f32, type Graph, i32 } from '../ir/graph.ts';
import { show } from './options.ts';

/** How a parameter starts. */
export type Initializer =
  /** Normal with variance 2 / fan (He et al. 2015). */
  | { readonly kind: 'heNormal'; readonly fan: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'constant'; readonly value: number };

/** What is known of a parameter or state beside its values. */
export interface ParameterSpec {
  /** PyTorch's name, such as `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: 'parameter' | 'state';
  readonly initializer: Initializer;
  /** Whether weight decay always applies: true for weights, false for norms and biases. */
  readonly decay: boolean;
  /** Shape in state dicts, where it differs. */
  readonly storedShape?: readonly number[];
}

/** A network as data: its forward graph for one image, in inference form, and its parameters. */
export interface ModelDefinition {
  readonly name: string;
  /** What the network was made from; written into its weight files. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Input `images` [1, H, W, C], output the logits [1, classes]. */
  readonly graph: Graph;
  readonly parameters: readonly ParameterSpec[];
  readonly input: readonly [height: number, width: number, channels: number];
  readonly classes: number;
}

export class ModelBuilder {
  readonly graph = new GraphBuilder();
  readonly parameters: ParameterSpec[] = [];
  readonly #scopes: string[] = [];
  readonly #layers = new Set<string>();
  #key: number | undefined;
  #streams = 0;

  /** The full name of a layer in the current scope; without a name, its kind and the first free number. */
  enter(kind: string, name: string | undefined): string {
    if (name !== undefined && (typeof name !== 'string' || name === '')) {
      throw new ArgumentError(`${kind}: name: expected a name, received ${show(name)}`);
    }
    const full = (last: string) => [...this.#scopes, last].join('.');
    let chosen = name;
    for (let i = 1; chosen === undefined; i += 1) {
      if (!this.#layers.has(full(`${kind}${i}`))) chosen = `${kind}${i}`;
    }
    const layer = full(chosen);
    if (this.#layers.has(layer))
      throw new ArgumentRangeError(`${kind}: name: expected a new name, received '${layer}' again`);
    this.#layers.add(layer);
    this.graph.layer = layer;
    return layer;
  }

  scope<T>(name: string, body: () => T): T {
    this.#scopes.push(name);
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  parameter(
    name: string,
    shape: readonly number[],
    initializer: Initializer,
    options: { decay?: boolean; state?: boolean; storedShape?: readonly number[] } = {},
  ): number {
    const { decay = false, state = false, storedShape } = options;
    const kind = state ? 'state' : 'parameter';
    this.parameters.push({ name, shape, kind, initializer, decay, ...(storedShape && { storedShape }) });
    return this.graph[kind](name, f32(...shape));
  }

  /** Scale, shift and running statistics of a norm. */
  norm(layer: string, channels: number): number[] {
    const constant = (value: number) => ({ kind: 'constant', value }) as const;
    return [
      this.parameter(`${layer}.weight`, [channels], constant(1)),
      this.parameter(`${layer}.bias`, [channels], constant(0)),
      this.parameter(`${layer}.running_mean`, [channels], constant(0), { state: true }),
      this.parameter(`${layer}.running_var`, [channels], constant(1), { state: true }),
    ];
  }

  /** Appends a node and returns its first output. */
  emit(op: string, inputs: readonly number[], attributes?: Attributes): number {
    return this.graph.emit(op, inputs, attributes)[0]!;
  }

  /** The input that dropout takes its random numbers from, and a stream of its own for each layer. */
  dropoutSource(): { key: number; stream: number } {
    this.#key ??= this.graph.input('key', i32(2));
    this.#streams += 1;
    return { key: this.#key, stream: this.#streams - 1 };
  }
}
