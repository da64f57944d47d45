/** Pickles and descriptions of tensors that are wrong or hostile, each with what the error must say. */
import { ascii, type BadFile, bad, good } from './bad_file.ts';
import { Pickle, stateDict, type TensorSpec, zipFile } from './build_pth.ts';

const one = (spec: TensorSpec, name = 'w') => zipFile(stateDict({ [name]: spec }));
/** A zip file of a pickle with these opcodes before its end. */
const pickled = (write: (pickle: Pickle) => unknown): Uint8Array => {
  const pickle = new Pickle();
  write(pickle);
  return zipFile(pickle.bytes());
};
const called = (name: string) => pickled((p) => p.global(name).op(0x29, 0x52));
export const pickles: BadFile[] = [
  ...[
    'os.system',
    'builtins.eval',
    'torch.load',
    'numpy.core.multiarray._reconstruct',
    'argparse.Namespace',
  ].map((name) =>
    bad(
      `calls ${name}`,
      called(name),
      new RegExp(`byte 2: .* the Python object '${name}', which senet does not load`),
    ),
  ),
  bad('a name that is not called', called('torch.FloatStorage'), /expected a call of a known function/),
  bad(
    'a call without arguments',
    pickled((p) => p.global('torch.Size').op(0x4e, 0x52)),
    /expected a call of a known function/,
  ),
  bad(
    'protocol 4',
    zipFile(new Pickle(4).op(0x4e).bytes()),
    /byte 0: expected pickle protocol 2, .* received 4/,
  ),
  bad(
    'unknown opcode',
    pickled((p) => p.op(0xff)),
    /byte 2: expected an opcode of pickle protocol 2, received 0xff/,
  ),
  bad(
    'opcode of protocol 4',
    pickled((p) => p.op(0x8f)),
    /received 0x8f/,
  ),
  bad('text protocol', zipFile(ascii("(dp0\nS'a'\n.")), /byte 1: expected an opcode .* received 0x64/),
  bad(
    'no value',
    pickled(() => undefined),
    /byte 2: expected a value, received none/,
  ),
  bad('no end', zipFile(good.slice(0, -1)), /data.pkl', byte \d+: the pickle has no end/),
  bad('text of 4 GB', zipFile(Uint8Array.of(0x80, 2, 0x58, 255, 255, 255, 255)), /the pickle has no end/),
  bad('name without end', zipFile(ascii('\x80\x02ctorch')), /the pickle has no end/),
  bad(
    'name of 1,000 bytes',
    zipFile(ascii(`\x80\x02c${'x'.repeat(1000)}\n\n.`)),
    /expected a name of at most 200 bytes/,
  ),
  bad(
    'text that is not UTF-8',
    pickled((p) => p.text(Uint8Array.of(0xff))),
    /expected UTF-8 text/,
  ),
  bad(
    'integer of 255 bytes',
    pickled((p) => p.op(0x8a, 255, ...new Uint8Array(255))),
    /an integer of at most 16 bytes/,
  ),
  bad(
    'memo that was never set',
    pickled((p) => p.op(0x68, 7)),
    /remembered before, received number 7/,
  ),
  bad(
    'memo of nothing',
    pickled((p) => p.op(0x71, 7)),
    /expected a value to remember/,
  ),
  bad(
    'tuple without mark',
    pickled((p) => p.op(0x4e, 0x74)),
    /expected a mark before the values/,
  ),
  bad(
    'append to a tuple',
    pickled((p) => p.op(0x29, 0x4e, 0x61)),
    /expected a list to append to/,
  ),
  bad(
    'items of a list',
    pickled((p) => p.op(0x5d, 0x4e, 0x4e, 0x73)),
    /expected a dict and pairs/,
  ),
  bad(
    'key without value',
    pickled((p) => p.op(0x7d, 0x28, 0x4e, 0x75)),
    /expected a dict and pairs/,
  ),
  bad(
    'dict as key',
    pickled((p) => p.op(0x7d, 0x7d, 0x4e, 0x73)),
    /expected keys that are text or numbers/,
  ),
  bad(
    'key twice',
    pickled((p) => p.orderedDict().mark().text('w').op(0x4e).text('w').op(0x4e, 0x75)),
    /each key once, received 'w' twice/,
  ),
  bad(
    'attributes of a list',
    pickled((p) => p.op(0x5d, 0x7d, 0x62)),
    /expected attributes of an OrderedDict/,
  ),
  bad(
    'persistent id that is no storage',
    pickled((p) => p.ints([1, 2]).op(0x51)),
    /expected a persistent id of a storage/,
  ),
  bad(
    'a million dicts',
    zipFile(new Uint8Array(1_000_000).fill(0x7d)),
    /expected values that take at most 12582912 bytes/,
  ),
  bad(
    'two million marks',
    zipFile(new Uint8Array(2_000_000).fill(0x28)),
    /expected values that take at most/,
  ),
  bad(
    'nested 100,000 deep',
    zipFile(Uint8Array.from([0x80, 2, 0x29, ...new Uint8Array(100_000).fill(0x85), 0x2e])),
    /expected a state dict .* received another kind/,
  ),
  bad(
    'a list that holds itself',
    pickled((p) => p.op(0x5d, 0x71, 0, 0x68, 0, 0x61)),
    /expected a state dict .* another kind/,
  ),
  bad(
    'a number',
    pickled((p) => p.int(7)),
    /expected a state dict/,
  ),
  bad(
    'an empty state dict',
    pickled((p) => p.orderedDict()),
    /expected a state dict .* received no entries/,
  ),
  bad(
    'a state dict under an unknown key',
    pickled((p) => p.op(0x7d).text('generator').op(0x7d).text('w').tensor({}).op(0x73, 0x73)),
    /possibly under state_dict, .* received the keys 'generator'/,
  ),
];

export const tensors: BadFile[] = [
  bad('an unknown type', one({ type: 'torch.QInt8Storage' }), /the Python object 'torch.QInt8Storage'/),
  bad('a function as type', one({ type: 'torch.Size' }), /storage '0': expected the type of a storage/),
  bad('a module in place of a storage', one({ word: 'module' }), /expected a persistent id of a storage/),
  bad('negative offset', one({ offset: -1 }), /_rebuild_tensor_v2: expected an offset of at least 0/),
  bad('offset of 2^62', one({ offset: 2n ** 62n }), /expected an offset of at least 0/),
  bad(
    'offset beyond the storage',
    one({ offset: 1 }),
    /tensor 'w': expected to end within the 4 elements .* received 5/,
  ),
  bad('negative size', one({ shape: [2, -2] }), /expected a size and a stride/),
  bad('negative stride', one({ strides: [-2, 1] }), /expected a size and a stride/),
  bad('strides of another rank', one({ strides: [1] }), /expected a size and a stride/),
  bad(
    'rank 9',
    one({ shape: new Array(9).fill(1), strides: new Array(9).fill(1) }),
    /tensor 'w': expected at most 8 dimensions, received 9/,
  ),
  bad(
    'size of 2^52 elements',
    one({ shape: [2 ** 52], strides: [1] }),
    /tensor 'w': the shape .* needs more than 2\^53-1 bits/,
  ),
  bad(
    'product that overflows',
    one({ shape: [2 ** 40, 2 ** 40, 0], strides: [1, 1, 1] }),
    /tensor 'w': the shape .* needs more than/,
  ),
  bad(
    'an expanded tensor',
    one({ shape: [1000, 1000], strides: [0, 0] }),
    /tensor 'w': expected at most the 4 elements of its storage, received \[1000, 1000\]/,
  ),
  bad(
    'stride beyond the storage',
    one({ strides: [4, 1] }),
    /tensor 'w': expected to end within the 4 elements .* received 6/,
  ),
  bad('stride of 2^52', one({ strides: [2 ** 52, 1] }), /tensor 'w': expected to end within/),
  bad('negative elements', one({ elements: -1 }), /expected a persistent id of a storage/),
  bad('elements of 2^62', one({ elements: 2n ** 62n }), /expected a persistent id of a storage/),
  bad(
    'elements of 2^52',
    one({ elements: 2 ** 52 }),
    /tensor 'w': its storage: the shape .* needs more than 2\^53-1 bits/,
  ),
  bad(
    'one element too many',
    one({ elements: 5 }),
    /tensor 'w': record 'archive\/data\/0': expected 20 bytes for 5 elements of F32, received 16/,
  ),
  bad(
    'one storage of two types',
    zipFile(stateDict({ a: {}, b: { type: 'torch.IntStorage' } })),
    /storage '0': expected 4 elements of F32 as before, received 4 of I32/,
  ),
  bad(
    'one storage of two lengths',
    zipFile(stateDict({ a: {}, b: { elements: 5 } })),
    /storage '0': expected 4 elements of F32 as before, received 5/,
  ),
  bad('empty name', one({}, ''), /tensor '': the name is empty/),
  bad('name of 64 kB', one({}, 'x'.repeat(65_536)), /the name is longer than 1024 characters/),
  bad('name with NUL', one({}, 'a\0b'), /tensor 'a\\u0000b': the name contains a control character/),
  bad(
    'parameter of no tensor',
    pickled((p) => p.global('torch._utils._rebuild_parameter').op(0x29, 0x52)),
    /_rebuild_parameter: expected a tensor/,
  ),
  bad('view beyond its storage', one({ view: [2, 3] }), /storage '0': expected a view within its 4 elements/),
  bad(
    '3,000 tensors of one storage',
    zipFile(
      stateDict(
        Object.fromEntries(
          Array.from({ length: 3000 }, (_, i) => [`w${i}`, { elements: 8192, shape: [8192], strides: [1] }]),
        ),
      ),
      { 0: new Uint8Array(32_768) },
    ),
    /expected tensors that fit the file of \d+ bytes, received 98304000/,
  ),
];
