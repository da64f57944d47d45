import { channelsOf, given, type References, type RefTensor, tensor } from './tensor.ts';

export const reference = {
  concat(inputs) {
    const parts: RefTensor[] = inputs.map((_, i) => given(inputs, i, 'concat'));
    const channels = parts.reduce((sum, part) => sum + channelsOf(part), 0);
    const y = tensor([...given(inputs, 0, 'concat').shape.slice(0, -1), channels]);
    let start = 0;
    for (const part of parts) {
      const c = channelsOf(part);
      for (let i = 0; i < part.data.length; i++) {
        y.data[Math.floor(i / c) * channels + start + (i % c)] = part.data[i]!;
      }
      start += c;
    }
    return [y];
  },
} satisfies References;
