import { numberOf } from './attributes.ts';
import { channelsOf, given, type References, tensor } from './tensor.ts';

export const reference = {
  channel_slice(inputs, attributes) {
    const x = given(inputs, 0, 'channel_slice x');
    const start = numberOf(attributes, 'start');
    const c = numberOf(attributes, 'end') - start;
    const y = tensor([...x.shape.slice(0, -1), c]);
    for (let i = 0; i < y.data.length; i++) {
      y.data[i] = x.data[Math.floor(i / c) * channelsOf(x) + start + (i % c)]!;
    }
    return [y];
  },

  channel_slice_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'channel_slice_grad dy');
    const start = numberOf(attributes, 'start');
    const channels = numberOf(attributes, 'channels');
    const c = channelsOf(dy);
    const dx = tensor([...dy.shape.slice(0, -1), channels]);
    for (let i = 0; i < dy.data.length; i++) {
      dx.data[Math.floor(i / c) * channels + start + (i % c)] = dy.data[i]!;
    }
    return [dx];
  },
} satisfies References;
