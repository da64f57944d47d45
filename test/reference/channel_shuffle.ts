import { numberOf } from './attributes.ts';
import { channelsOf, given, map, type References } from './tensor.ts';

export const reference = {
  channel_shuffle(inputs, attributes) {
    const x = given(inputs, 0, 'channel_shuffle x');
    const groups = numberOf(attributes, 'groups');
    const c = channelsOf(x);
    return [
      map(x, (_, index) => {
        const to = index % c;
        const i = Math.floor(to / groups);
        const j = to % groups;
        return x.data[index - to + j * (c / groups) + i]!;
      }),
    ];
  },
} satisfies References;
