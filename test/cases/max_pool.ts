import { data, type OpCase } from './case.ts';
import { attributesOf, type Pool, pools } from './pool_case.ts';

/** Integers bring ties, of which the first maximum wins. */
export const maxPoolCase = (pool: Pool, training: boolean): OpCase => ({
  name: training ? pool.name : `${pool.name}, inference`,
  op: 'max_pool',
  inputs: [data(pool.x, { fill: 'distinct' })],
  attributes: { ...attributesOf(pool), training },
  gradient: training,
  integers: true,
});

export const cases: OpCase[] = [
  ...pools.map((pool) => maxPoolCase(pool, true)),
  ...pools.slice(4, 10).map((pool) => maxPoolCase(pool, false)),
];
