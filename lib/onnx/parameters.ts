/** Parameters of a graph that is being read, and where their values are in the file. */
import type { GraphBuilder } from '../graph/builder.ts';
import { f32, sizeOf } from '../ir/graph.ts';
import type { Initializer, ParameterSpec } from '../layers/model_builder.ts';
import type { FloatConstant } from './constant.ts';
import type { Weight } from './export.ts';
import type { ParameterOptions, Target } from './import_node.ts';
import { FormatProblem } from './protobuf.ts';

/** Numbers that a file may have written out for it, beside those it brings. */
const MAX_FILLED = 2 ** 20;

/** How such a parameter would start in a training from scratch. */
function initializerOf(shape: readonly number[]): Initializer {
  if (shape.length < 2) return { kind: 'constant', value: 0 };
  return { kind: 'heNormal', fan: shape[0]! * sizeOf(shape.slice(2)) };
}

export class Parameters implements Target {
  readonly builder: GraphBuilder;
  readonly specs: ParameterSpec[] = [];
  readonly #known = new Map<string, number>();
  readonly #names = new Set<string>();
  readonly #load = new Map<string, () => Weight>();
  #filled = 0;

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  parameter(constant: FloatConstant, options: ParameterOptions = {}): number {
    const { kind = 'parameter', shape = constant.dims, keepsShape = false, change } = options;
    if (sizeOf(shape) === 0)
      throw new FormatProblem('', `tensor '${constant.name}': expected numbers, found none`);
    const key = [constant.name, kind, shape.join('x'), change?.key ?? ''].join('|');
    const storedShape = keepsShape ? constant.dims : undefined;
    return this.#declare(key, constant.name, shape, kind, storedShape, () => {
      const values = constant.load();
      return { shape: storedShape ?? shape, data: change === undefined ? values : change.apply(values) };
    });
  }

  filled(name: string, size: number, value: number): number {
    const key = `filled|${name}|${size}`;
    if (!this.#known.has(key)) this.#filled += size;
    if (this.#filled > MAX_FILLED)
      throw new FormatProblem('', `expected at most ${MAX_FILLED} numbers to fill in`);
    return this.#declare(key, `${name}.${size}`, [size], 'state', undefined, () => ({
      shape: [size],
      data: new Float32Array(size).fill(value),
    }));
  }

  /** The values of those parameters; read from the file only now. */
  weights(names: ReadonlySet<string>): Map<string, Weight> {
    return new Map([...this.#load].filter(([name]) => names.has(name)).map(([name, load]) => [name, load()]));
  }

  #declare(
    key: string,
    wanted: string,
    shape: readonly number[],
    kind: 'parameter' | 'state',
    storedShape: readonly number[] | undefined,
    load: () => Weight,
  ): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let name = wanted === '' ? 'constant' : wanted;
    for (let i = 1; this.#names.has(name); i += 1) name = `${wanted}_${i}`;
    this.#names.add(name);
    const id = this.builder[kind](name, f32(...shape));
    this.#known.set(key, id);
    this.#load.set(name, load);
    this.specs.push({
      name,
      shape,
      kind,
      initializer: initializerOf(shape),
      decay: kind === 'parameter' && shape.length > 1,
      ...(storedShape && { storedShape }),
    });
    return id;
  }
}
