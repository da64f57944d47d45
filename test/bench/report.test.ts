/** Results as a table against older ones, and as a page. */
import { describe, expect, test } from 'vitest';
import { benchModule, type Result } from './bench_module.ts';

interface Row {
  readonly key: string;
  readonly ratio: number;
  readonly apart: boolean;
  readonly better: boolean;
}
const { compareResults, comparisonTable, differences } = (await benchModule('compare.mjs')) as {
  compareResults: (old: Result[], now: Result[]) => Row[];
  comparisonTable: (rows: Row[]) => string;
  differences: (old: object, now: object) => string[];
};
const { reportPage } = (await benchModule('report/page.mjs')) as { reportPage: (report: object) => string };
const { barChart } = (await benchModule('report/bars.mjs')) as {
  barChart: (rows: object[], options: object) => string;
};
const { number, quantity, percentOver } = (await benchModule('report/html.mjs')) as {
  number: (value: number) => string;
  quantity: (value: number, unit: string) => string;
  percentOver: (ratio: number) => string;
};

const timed = (contender: string, value: number, more: object = {}): Result => ({
  ...{ suite: 'models', measure: 'net inference, batch 2', contender, unit: 'ms', value },
  ...{ low: value * 0.95, high: value * 1.05, rounds: 7, batch: 2, ...more },
});

const machine = { machine: 'AMD EPYC', cores: 2, memoryBytes: 8e9, threads: 2, date: '2030-01-01T00:00:00Z' };
const page = (results: Result[], more: object = {}) =>
  reportPage({ ...machine, node: 'v20', senet: '0.1.0', commit: 'abc', results, ...more });

describe('compare', () => {
  test('new over old, for what both have', () => {
    const old = [timed('senet', 100), timed('gone', 5), { suite: 'models', measure: 'm', skipped: 'why' }];
    const rows = compareResults(old, [timed('senet', 80), timed('new', 5)]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ ratio: 0.8, apart: true, better: true });
    expect(comparisonTable(rows)).toMatch(/net inference, batch 2 \| senet +100 +80.0 +ms +0.800 +better/);
  });

  test('a change within the spread has no word, and more of a rate is better', () => {
    expect(compareResults([timed('a', 100)], [timed('a', 104)])[0]).toMatchObject({ apart: false });
    const rate = { unit: 'GB/s' };
    expect(compareResults([timed('a', 10, rate)], [timed('a', 20, rate)])[0]).toMatchObject({ better: true });
  });

  test('nothing in common is said', () => {
    expect(comparisonTable(compareResults([], [timed('a', 1)]))).toMatch(/nothing to compare/);
    expect(differences({ machine: 'x', threads: 2 }, { machine: 'y', threads: 2 })).toEqual([
      'machine: x before, y now',
    ]);
  });
});

describe('numbers', () => {
  test('have three digits and a unit that suits them', () => {
    expect([number(0.012345), number(12.345), number(1234567), number(Number.NaN)]).toEqual([
      ...['0.0123', '12.3', '1\u2009234\u2009567', '–'],
    ]);
    expect(quantity(1.63e9, 'bytes')).toBe('1.63 GB');
    expect(quantity(31_000, 'ms')).toBe('31.0 s');
    expect([percentOver(1.018), percentOver(0.98)]).toEqual(['+1.8 %', '−2.0 %']);
  });
});

describe('the page', () => {
  const cost = { suite: 'se-cost', measure: 'SE cost', contender: 'senet', unit: 'ratio', value: 0.99 };
  const step = { op: 'conv2d', layer: 'conv1', flops: 1e9, bytes: 1e7, ms: 10, count: 2 };
  const roofline = {
    ...{ suite: 'roofline', measure: 'net', contender: 'senet', unit: 'ms', value: 10 },
    ...{ peak: { flops: 2e11, bandwidth: 3e10 }, steps: [step, { ...step, op: 'norm_tail', flops: 0 }] },
  };

  test('has a chart for each of times, SE cost and roofline, and loads nothing', () => {
    const html = page([
      ...[timed('senet', 90), timed('other', 100, { toFirst: 1.11, first: 'senet' })],
      ...[{ ...cost, low: 0.98, high: 1.01, rounds: 7, paper: 1.018 }, roofline],
    ]);
    expect(html.match(/<svg /g)).toHaveLength(4);
    expect(html).toContain('45.0 ms');
    expect(html).toContain('paper +1.8 %');
    expect(html).toContain('×1.11');
    expect(html).not.toMatch(/<script|<link|<img|src=|href=|url\(/);
    expect(html).not.toMatch(/NaN|undefined|\[object/);
  });

  test('has the zoo as a table, its means first', () => {
    const pair = { suite: 'pairs', contender: 'senet net', unit: 'ratio', value: 0.5, ratio: 0.5 };
    const html = page([
      { ...pair, measure: 'net, 32x32, inference, batch 1', ms: 10, againstMs: 20 } as Result,
      { ...pair, measure: 'inference of the zoo with SE, batch 1', models: 1 } as Result,
    ]);
    expect(html).toMatch(/1 models with SE, geometric mean.*net<\/th><td>32x32<\/td><td>10.0 ms/s);
  });

  test('escapes what contenders and machines say', () => {
    const bad = '<img src=x onerror="1">';
    const html = page([timed(bad, 1), { ...timed('b', 1), value: undefined!, skipped: bad }], {
      machine: bad,
    });
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=&quot;1&quot;&gt;');
  });

  test('of no results still says how they would have come about', () => {
    const html = page([]);
    expect(html).not.toContain('<svg');
    expect(html).toContain('Method');
    expect(html).not.toMatch(/NaN|undefined/);
  });

  test('warns of a quick run, and lists what was not run', () => {
    const html = page([{ suite: 'models', measure: 'net', contender: 'tfjs-node', skipped: 'not set up' }], {
      quick: true,
    });
    expect(html).toContain('Nothing to quote');
    expect(html).toContain('tfjs-node: not set up');
  });

  test('bars without values make no chart, and negative ones stay inside', () => {
    expect(barChart([{ label: 'a', value: Number.NaN, text: '' }], { title: 't' })).toBe('');
    const chart = barChart([{ label: 'a', value: -0.01, text: '' }], {
      title: 't',
      marks: [{ value: 0.1, label: 'm' }],
    });
    expect(chart).toContain('<rect');
    expect(chart).not.toMatch(/width="-|NaN/);
  });
});
