/**
 * Models that timm (fixtures/make_timm.py) or a script (fixtures/make_shake.py) has in PyTorch, too: names, shapes and counts
 * of their state dicts, and logits.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inferenceGraph } from '../../lib/graph/programs.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import type { ParameterSpec } from '../../lib/layers/index.ts';
import { buildModel, listModels, type ModelName, summarize } from '../../lib/models/index.ts';
import type { StateDict } from '../../lib/weights.ts';
import { expectClose } from '../helpers/close.ts';
import { values } from '../helpers/formula.ts';
import { runGraph } from '../helpers/run_graph.ts';
import { tensor } from '../reference/index.ts';

interface Keys {
  readonly parameters: number;
  readonly entries: number;
  /** Hash of names and shapes; none where the names differ. */
  readonly names?: string;
  readonly shapes?: string;
}
interface Fixture {
  readonly keys: Readonly<Record<string, Keys>>;
  readonly logits: Readonly<Record<string, { readonly pixels: number; readonly logits: number[] }>>;
}
const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as Fixture;
const [timm, shake] = [fixture('timm'), fixture('shake')];
/** As in the scripts. */
const PERIOD = 5003;
const known = new Set(listModels({ aliases: true }));
const named = <T>(table: Readonly<Record<string, T>>): [ModelName, T][] =>
  Object.entries(table).map(([name, value]) => {
    const found = [...known].find((model) => model === name);
    if (found === undefined) throw new Error(`the zoo has no ${name}`);
    return [found, value];
  });

const shapeText = ({ storedShape, shape }: ParameterSpec): string => (storedShape ?? shape).join('x');
const sha = (lines: readonly string[]): string =>
  createHash('sha256')
    .update([...lines].sort().join('\n'))
    .digest('hex');

test.each(named({ ...timm.keys, ...shake.keys }))(
  'the state dict of %s',
  (name, { parameters, entries, names, shapes }) => {
    const definition = buildModel(name);
    const specs = definition.parameters;
    expect(summarize(definition).parameters).toBe(parameters);
    expect(specs.length).toBe(entries);
    if (names !== undefined) expect(sha(specs.map((spec) => `${spec.name} ${shapeText(spec)}`))).toBe(names);
    if (shapes !== undefined) expect(sha(specs.map(shapeText))).toBe(shapes);
  },
);

test('every alias is compared', () => {
  const plain = new Set(listModels());
  const aliases = [...known].filter((name) => !plain.has(name));
  expect(aliases.length).toBeGreaterThan(10);
  expect(aliases.filter((name) => !(name in timm.keys))).toEqual([]);
});

/** The weights that the scripts fill a model with. */
function weightsOf(parameters: readonly ParameterSpec[]): StateDict {
  return new Map(
    parameters.map((spec) => {
      const { name } = spec;
      const shape = spec.storedShape ?? spec.shape;
      const scale = shape.length > 1 ? 1.5 / Math.sqrt(sizeOf(shape.slice(1))) : 0.2;
      const shift = shape.length === 1 && /(running_var|weight)$/.test(name) ? 1 : 0;
      return [name, { shape, data: Float32Array.from(values(name, shape, scale, shift, PERIOD).data) }];
    }),
  );
}

describe('logits', () => {
  test.each(named({ ...timm.logits, ...shake.logits }))(
    'of %s',
    async (name, { pixels, logits }) => {
      const { graph, parameters } = buildModel(name, { input: [pixels, pixels, 3], classes: 10 });
      const images = Float32Array.from(values('images', [2, pixels, pixels, 3], 1, 0, PERIOD).data);
      const [actual] = await runGraph(inferenceGraph(graph, 2), weightsOf(parameters), { images });
      // The last sums have some thousand terms, and those of all layers add their rounding.
      expectClose(actual!, tensor([20], logits), { reduction: 4096, dtype: 'f32' });
    },
    180_000,
  );
});
