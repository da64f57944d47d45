import { describe, expect, test } from 'vitest';
import { type RunRecord, runsPage } from '../../lib/index.ts';

const run = (name: string, epochs: number): RunRecord => ({
  directory: `runs/${name}`,
  config: { model: 'se_resnet20', data: { kind: 'mnist' }, epochs: 4 },
  steps: Array.from({ length: 1000 * epochs }, (_, step) => ({
    ...{ epoch: 0, step, steps: 1000, samples: 8, lr: 0.1, loss: 1 / (1 + step), top1: 0.5, top5: 1 },
  })),
  epochs: Array.from({ length: epochs }, (_, epoch) => ({
    ...{ epoch, epochs: 4, loss: 1, top1: 0.5, top5: 1, lr: 0.1, seconds: 1, samplesPerSecond: 10 },
    validation: epoch === 0 ? undefined : { loss: Number.NaN, top1: 0.25, top5: 1 },
  })),
  time: 0,
});

describe('runsPage', () => {
  test('lays the curves of runs over each other', () => {
    const page = runsPage([run('first', 3), run('second', 1)]);
    expect(page.match(/<svg /g)?.length).toBe(5);
    expect(page).toContain('<td>first</td><td>se_resnet20</td><td>mnist</td><td>3/4</td><td>1.0000</td>');
    expect(page).toContain('>second training<');
    // The first run has no validation metrics in its first epoch, the second none at all.
    expect(page).toContain('>first validation<');
    expect(page).not.toContain('>second validation<');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    for (const [line] of page.matchAll(/d="M[^"]*"/g))
      expect(line.split('L').length).toBeLessThanOrEqual(400);
  });

  test('shows names as text, asks for nothing and runs nothing', () => {
    const page = runsPage([run('<img onerror=alert(1)>', 1)]);
    expect(page).not.toContain('<img');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<link|src=|url\(/);
    expect(page.match(/https?:\/\/[^"\s]*/g)?.every((url) => url === 'http://www.w3.org/2000/svg')).toBe(
      true,
    );
  });

  test('may be empty', () => {
    expect(runsPage([])).toContain('</html>');
    expect(runsPage([{ ...run('new', 0), time: undefined }])).toContain('<td>0/4</td><td>-</td>');
  });
});
