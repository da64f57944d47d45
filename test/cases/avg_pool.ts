import { data, type OpCase } from './case.ts';
import { attributesOf, type Pool, pools } from './pool_case.ts';

export const avgPoolCase = (pool: Pool, countIncludePad: boolean): OpCase => {
  const area = pool.kernel.reduce((product, k) => product * k, 1);
  const padded = pool.padding !== undefined || pool.ceil === true;
  return {
    name: countIncludePad ? `${pool.name}, padding counts` : pool.name,
    op: 'avg_pool',
    inputs: [data(pool.x)],
    attributes: { ...attributesOf(pool), countIncludePad },
    gradient: true,
    // A divisor that is a power of two leaves integers exact.
    integers: !padded && Number.isInteger(Math.log2(area)),
  };
};

export const cases: OpCase[] = [
  ...pools.map((pool) => avgPoolCase(pool, false)),
  ...pools
    .filter(({ padding, ceil }) => padding !== undefined || ceil)
    .map((pool) => avgPoolCase(pool, true)),
];
