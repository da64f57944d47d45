import { channelsOf, given, map, type References } from './tensor.ts';

export const reference = {
  normalise_pixels(inputs) {
    const pixels = given(inputs, 0, 'normalise_pixels pixels');
    const table = given(inputs, 1, 'normalise_pixels table');
    const channels = channelsOf(pixels);
    return [map(pixels, (byte, i) => table.data[256 * (i % channels) + byte]!)];
  },
} satisfies References;
