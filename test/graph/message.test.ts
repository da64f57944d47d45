/** The message in which a graph crosses to native code: whatever arrives, native code answers with an error or works. */
import { afterAll, expect, test } from 'vitest';
import { Device } from '../../lib/device.ts';
import { ArgumentError, isSenetError } from '../../lib/errors.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { f32 } from '../../lib/ir/graph.ts';
import { encodeGraph } from '../../lib/ir/message.ts';
import { callNative } from '../../lib/native.ts';
import { Random } from '../helpers/random.ts';

const device = await Device.open('cpu', { threads: 1 });
afterAll(() => device.dispose());

function message(): Uint8Array {
  const builder = new GraphBuilder();
  builder.layer = 'layer';
  const x = builder.input('x', f32(1, 4, 4, 8));
  const [pooled] = builder.emit('max_pool', [x], {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0, 0, 0],
    ceil: false,
    training: false,
  });
  const [mean] = builder.emit('global_avg_pool', [pooled!]);
  return encodeGraph(builder.finish([builder.emit('activation', [mean!], { kind: 'relu' })[0]!]));
}

/** Hands a message to native code; undefined when it is accepted. */
async function compile(bytes: Uint8Array): Promise<unknown> {
  try {
    const program = await callNative((addon) => addon.compile(device.handle, bytes, []));
    callNative((addon) => addon.dispose(program));
    return undefined;
  } catch (error) {
    return error;
  }
}

test('a graph crosses', async () => {
  expect(await compile(message())).toBeUndefined();
});

test('every prefix is refused', async () => {
  const whole = message();
  for (let length = 0; length < whole.length; length += 1) {
    expect(await compile(whole.slice(0, length)), `length ${length}`).toBeInstanceOf(ArgumentError);
  }
});

test('3,000 damaged messages end in a typed error or a program', async () => {
  const random = new Random('messages');
  const whole = message();
  let accepted = 0;
  for (let i = 0; i < 3000; i += 1) {
    const damaged = whole.slice();
    for (let k = random.integer(1, 4); k > 0; k -= 1) {
      const at = random.integer(0, damaged.length - 1);
      damaged[at] =
        random.integer(0, 1) === 0 ? random.integer(0, 255) : damaged[at]! ^ (1 << random.integer(0, 7));
    }
    const error = await compile(damaged);
    if (error === undefined) accepted += 1;
    else expect(isSenetError(error), String(error)).toBe(true);
  }
  expect(accepted).toBeLessThan(3000);
});
