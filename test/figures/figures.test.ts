/** Figures: a confusion matrix, curves of any length. */
import { describe, expect, test } from 'vitest';
import { ArgumentError, ArgumentRangeError } from '../../lib/errors.ts';
import { confusionFigure } from '../../lib/figures/confusion.ts';
import { Curve } from '../../lib/figures/curve.ts';
import { inFewLetters, lineChart } from '../../lib/figures/line_chart.ts';

describe('Curve', () => {
  test('keeps few points of many values, and their mean', () => {
    const curve = new Curve();
    expect(curve.points).toEqual({ x: [], y: [] });
    for (let i = 1; i <= 300; i += 1) curve.add(i);
    expect(curve.points.y).toEqual(curve.points.x);
    for (let i = 301; i <= 100_003; i += 1) curve.add(i);
    const { x, y } = curve.points;
    expect(x.length).toBe(y.length);
    expect(x.length).toBeGreaterThan(190);
    expect(x.length).toBeLessThanOrEqual(400);
    expect(x.at(-1)).toBe(100_003);
    let sum = 0;
    for (const [i, mean] of y.entries()) sum += mean * (x[i]! - (x[i - 1] ?? 0));
    expect(sum / 100_003).toBeCloseTo((1 + 100_003) / 2, 6);
    // Each is the mean of those that end with it.
    expect(y[0]).toBe((1 + x[0]!) / 2);
  });
});

describe('confusionFigure', () => {
  const counts = [
    { label: 0, guess: 0, count: 3 },
    { label: 0, guess: 1, count: 1 },
    { label: 1, guess: 1, count: 20_000 },
  ];

  test('has a cell for each pair that came up, with its share of the row', () => {
    const svg = confusionFigure(counts, { classes: 2, names: ['<cat>', 'a dog with a very long name'] });
    expect(svg.match(/<rect /g)?.length).toBe(3);
    expect(svg).toContain('<title>&lt;cat&gt; recognised: 3 (75.0 %)</title>');
    expect(svg).toContain('<title>&lt;cat&gt; taken for a dog with a very long name: 1 (25.0 %)</title>');
    expect(svg).toContain('>a dog with a …<');
    expect(svg).toContain('>20k<');
    expect(svg).not.toContain('<cat>');
  });

  test('leaves counts out where cells are small', () => {
    expect(confusionFigure(counts, { classes: 2 })).toContain('class="count"');
    expect(confusionFigure(counts, { classes: 40 })).not.toContain('class="count"');
  });

  test('checks what it is given', () => {
    expect(() => confusionFigure(counts, { classes: 1 })).toThrow(ArgumentRangeError);
    expect(() => confusionFigure(counts, { classes: 65 })).toThrow(ArgumentRangeError);
    expect(() => confusionFigure('counts' as never, { classes: 2 })).toThrow(ArgumentError);
    expect(() => confusionFigure(counts, { classes: 2, colour: 1 } as never)).toThrow(ArgumentError);
  });
});

test('numbers in few letters', () => {
  expect(
    [0.25, -3, 9999, 10_000, 12_500, 199_999, 1e6, 2.5e7, -20_000].map((value) => inFewLetters(value, 3)),
  ).toEqual([...['0.25', '-3', '9999', '10k', '12.5k', '200k', '1M', '25M', '-20k']]);
});

test('a line of one point is a dot', () => {
  const options = { title: 'a', xLabel: 'b', yLabel: 'c' };
  expect(lineChart([{ name: 'one', x: [1], y: [2] }], options)).toContain('<circle ');
  const x = Array.from({ length: 50 }, (_, i) => i);
  expect(lineChart([{ name: 'many', x, y: x }], options)).not.toContain('<circle ');
});
