import { flagOf, pairOf } from './attributes.ts';
import { given, type References, tensor } from './tensor.ts';
import { eachWindow, windowOutput } from './window.ts';

export const reference = {
  avg_pool(inputs, attributes) {
    const x = given(inputs, 0, 'avg_pool x');
    const y = tensor(windowOutput(x.shape, attributes));
    const includePad = flagOf(attributes, 'countIncludePad');
    eachWindow(x.shape, y.shape, attributes, (yi, cells, padded) => {
      let sum = 0;
      for (const { xi } of cells) sum += x.data[xi]!;
      y.data[yi] = sum / (includePad ? padded : cells.length);
    });
    return [y];
  },

  avg_pool_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'avg_pool_grad dy');
    const dx = tensor([dy.shape[0]!, ...pairOf(attributes, 'size'), dy.shape[3]!]);
    const includePad = flagOf(attributes, 'countIncludePad');
    eachWindow(dx.shape, dy.shape, attributes, (yi, cells, padded) => {
      for (const { xi } of cells) dx.data[xi]! += dy.data[yi]! / (includePad ? padded : cells.length);
    });
    return [dx];
  },
} satisfies References;
