import { flagOf, pairOf } from './attributes.ts';
import { given, type References, tensor } from './tensor.ts';
import { eachWindow, windowOutput } from './window.ts';

export const reference = {
  max_pool(inputs, attributes) {
    const x = given(inputs, 0, 'max_pool x');
    const y = tensor(windowOutput(x.shape, attributes));
    const index = tensor(y.shape);
    y.data.fill(Number.NaN);
    eachWindow(x.shape, y.shape, attributes, (yi, cells) => {
      for (const { xi, offset } of cells) {
        if (!(y.data[yi]! >= x.data[xi]!)) {
          y.data[yi] = x.data[xi]!;
          index.data[yi] = offset;
        }
      }
    });
    return [y, flagOf(attributes, 'training') ? index : undefined];
  },

  max_pool_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'max_pool_grad dy');
    const index = given(inputs, 1, 'max_pool_grad index');
    const dx = tensor([dy.shape[0]!, ...pairOf(attributes, 'size'), dy.shape[3]!]);
    eachWindow(dx.shape, dy.shape, attributes, (yi, cells) => {
      for (const { xi, offset } of cells) if (offset === index.data[yi]) dx.data[xi]! += dy.data[yi]!;
    });
    return [dx];
  },
} satisfies References;
