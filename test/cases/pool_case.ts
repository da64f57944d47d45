/** Cases that max_pool and avg_pool share. */
export interface Pool {
  readonly name: string;
  /** [N, H, W, C] */
  readonly x: readonly number[];
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  readonly ceil?: boolean;
}

const three = { kernel: [3, 3], stride: [2, 2] };

export const pools: readonly Pool[] = [
  { name: 'one element', x: [1, 1, 1, 1], kernel: [1, 1] },
  { name: 'whole map', x: [2, 4, 4, 3], kernel: [4, 4] },
  { name: '2x2', x: [2, 6, 4, 5], kernel: [2, 2], stride: [2, 2] },
  { name: 'one block', x: [2, 4, 6, 8], kernel: [2, 2], stride: [2, 2] },
  { name: 'blocks, padding', x: [1, 6, 6, 16], ...three, padding: [1, 1, 1, 1] },
  { name: 'above a block', x: [2, 5, 5, 11], ...three, padding: [1, 1, 1, 1] },
  { name: 'prime sizes', x: [1, 11, 7, 3], ...three, padding: [1, 1, 1, 1] },
  { name: 'overlapping', x: [1, 5, 6, 4], kernel: [3, 3], padding: [1, 1, 1, 1] },
  { name: 'ceil', x: [1, 6, 8, 3], ...three, ceil: true },
  { name: 'ceil and padding', x: [1, 6, 7, 2], ...three, padding: [1, 1, 1, 1], ceil: true },
  {
    name: 'ceil, last window dropped',
    x: [1, 4, 5, 2],
    kernel: [2, 2],
    stride: [3, 3],
    padding: [1, 1, 1, 1],
    ceil: true,
  },
  { name: 'padding below and right', x: [1, 6, 6, 4], ...three, padding: [0, 1, 0, 1] },
  { name: 'four different paddings', x: [1, 6, 7, 3], kernel: [4, 3], stride: [2, 1], padding: [0, 2, 1, 0] },
  {
    name: 'different paddings, ceil',
    x: [2, 7, 6, 3],
    kernel: [3, 4],
    stride: [2, 3],
    padding: [2, 0, 0, 1],
    ceil: true,
  },
  { name: 'stride larger than the kernel', x: [1, 9, 8, 3], kernel: [2, 1], stride: [3, 2] },
  { name: 'kernel larger than the map', x: [1, 2, 3, 2], kernel: [3, 4], padding: [1, 1, 2, 1] },
];

export const attributesOf = ({ kernel, stride = [1, 1], padding = [0, 0, 0, 0], ceil = false }: Pool) => ({
  kernel,
  stride,
  padding,
  ceil,
});
