import { data, norm, type OpCase } from './case.ts';

function update(name: string, channels: number[], counts: number[], momentum = 0.1): OpCase {
  return {
    name,
    op: 'running_update',
    inputs: channels.flatMap((c) => [...norm(c).slice(2), data([c]), data([c], { fill: 'positive' })]),
    attributes: { momentum, counts },
    gradient: false,
    mutates: channels.flatMap((_, i) => [4 * i, 4 * i + 1]),
  };
}

export const cases: OpCase[] = [
  update('one channel', [1], [2]),
  update('one position', [5], [1]),
  update('two positions', [5], [2]),
  update('many norms', [3, 8, 17], [12, 100, 4096]),
  update('momentum 1', [7], [9], 1),
  update('momentum 0', [7], [9], 0),
];
