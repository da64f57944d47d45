/** The reference checks itself: gradients against differences, and the case tables against their promises. */
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { sizeOf } from '../lib/ir/graph.ts';
import {
  arbitraryAvgPool,
  arbitraryConv2d,
  arbitraryMaxPool,
  arbitraryNormActivation,
  arbitraryNormTail,
} from './cases/arbitrary.ts';
import { allCases, gradientPositions, inputsOf, type OpCase } from './cases/index.ts';
import { isMistrusted } from './helpers/close.ts';
import { Random } from './helpers/random.ts';
import { gradients } from './reference/chain.ts';
import { type GradcheckResult, gradcheck, randomLike } from './reference/gradcheck.ts';
import { evaluate, reference } from './reference/index.ts';
import { given } from './reference/tensor.ts';

const label = ({ op, name }: OpCase): string => `${op}: ${name}`;
const table = (cases: readonly OpCase[]) => cases.map((entry) => [label(entry), entry] as const);

/** Gradcheck of one case with a random gradient of its first output. */
function checkCase(entry: OpCase, elements?: number): GradcheckResult {
  const { op, attributes } = entry;
  const inputs = inputsOf(entry);
  const outputs = evaluate(op, inputs, attributes);
  const dy = randomLike(given(outputs, 0, op), new Random(label(entry)));
  return gradcheck({
    forward: (moved) => given(evaluate(op, moved, attributes), 0, op),
    inputs,
    positions: gradientPositions(entry),
    analytic: gradients[op]!(dy, inputs, outputs, attributes),
    dy,
    ...(elements !== undefined && { elements }),
  });
}

describe('gradcheck', () => {
  const differentiable = allCases().filter(({ gradient }) => gradient !== false);
  const summary = new Map<string, GradcheckResult & { cases: number }>();

  test.each(table(differentiable))('%s', (_, entry) => {
    const result = checkCase(entry);
    // A single ReLU or dropout may well be shut.
    const single = entry.inputs.every((input) => input === undefined || sizeOf(input.shape) <= 2);
    expect(result.alive || single, 'every gradient is zero').toBe(true);
    const before = summary.get(entry.op) ?? { cases: 0, compared: 0, worst: 0, alive: true };
    summary.set(entry.op, {
      cases: before.cases + 1,
      compared: before.compared + result.compared,
      worst: Math.max(before.worst, result.worst),
      alive: true,
    });
  });

  afterAll(() => {
    const lines = [...summary].map(
      ([op, { cases, compared, worst }]) =>
        `${op.padEnd(24)}${String(cases).padStart(5)} cases${String(compared).padStart(7)} slopes, worst ${(worst * 100).toFixed(2)} % of the tolerance`,
    );
    console.log(['gradcheck, 0 ops skipped', ...lines].join('\n'));
  });

  test('no op with a gradient is left out', () => {
    expect(new Set(differentiable.map(({ op }) => op))).toEqual(new Set(Object.keys(gradients)));
  });

  test.each([
    ['conv2d', arbitraryConv2d],
    ['max_pool', arbitraryMaxPool],
    ['avg_pool', arbitraryAvgPool],
    ['norm_tail', arbitraryNormTail],
    ['norm_activation', arbitraryNormActivation],
  ])('random %s', (_, arbitrary) => {
    const property = fc.property(arbitrary, (entry) => {
      if (gradientPositions(entry).length > 0) checkCase(entry, 2);
      for (const output of evaluate(entry.op, inputsOf(entry), entry.attributes)) {
        expect(output?.data.every(Number.isFinite) ?? true).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 60, seed: 20 });
  });
});

describe('case tables', () => {
  test('every op but the gradients has cases', () => {
    const isForward = (op: string) => !/_grad(_|$)/.test(op);
    const cased = allCases().map(({ op }) => op);
    expect(new Set(cased.filter(isForward))).toEqual(new Set(Object.keys(reference).filter(isForward)));
  });

  test('names are unique within an op', () => {
    const labels = allCases().map(label);
    expect(labels.filter((name, i) => labels.indexOf(name) !== i)).toEqual([]);
  });

  test.each(table(allCases()))('%s: finite, and the same each time', (_, entry) => {
    const run = () => evaluate(entry.op, inputsOf(entry), entry.attributes);
    const outputs = run();
    expect(outputs.every((output) => output?.data.every(Number.isFinite) ?? true)).toBe(true);
    expect(run()).toEqual(outputs);
  });

  test('integers in, float32 numbers out, seldom zeros', () => {
    const exact = allCases().filter(({ integers }) => integers);
    let mistrusted = 0;
    for (const entry of exact) {
      const inputs = inputsOf(entry, { integers: true });
      const results = [...evaluate(entry.op, inputs, entry.attributes)];
      for (const position of entry.mutates ?? []) results.push(inputs[position]);
      if (gradientPositions(entry).length > 0) {
        const dy = inputsOf(
          { ...entry, inputs: [{ shape: results[0]!.shape, dtype: 'f32', role: 'data', fill: 'sparse' }] },
          { integers: true },
        )[0]!;
        results.push(...gradients[entry.op]!(dy, inputs, results, entry.attributes));
      }
      for (const result of results) {
        expect(result?.data.every((value) => Math.fround(value) === value) ?? true, label(entry)).toBe(true);
      }
      if (isMistrusted(results[0]!) && results[0]!.data.length > 8) mistrusted++;
    }
    expect(mistrusted).toBeLessThan(0.05 * exact.length);
  });
});
