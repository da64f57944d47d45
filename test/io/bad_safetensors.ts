import { maxHeaderBytes } from '../../lib/io/safetensors_header.ts';
import { entry, file, validFile } from './build.ts';

/** A damaged or lying file and what the error must say. */
export interface BadFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly message: RegExp;
}

const bad = (name: string, bytes: Uint8Array, message: RegExp): BadFile => ({ name, bytes, message });
/** A file with one tensor 'a' of the given fields and four bytes of data. */
const one = (dtype: string, shape: string, offsets: string, data = 4) =>
  file(`{"a":${entry(dtype, shape, offsets)}}`, data);
const good = entry('F32', '[1]', '[0,4]');

const lengths: BadFile[] = [
  bad('empty', new Uint8Array(0), /expected a safetensors file or .* received an empty file/),
  bad('7 bytes', new Uint8Array(7), /received a file that begins with/),
  bad('8 bytes', file(''), /received a file that begins with/),
  bad('n = 0', file('', Buffer.from('{}')), /header, byte 8: header: expected a JSON object/),
  bad('n = 1', file('{'), /byte 9: key: expected a string, received the end/),
  bad(
    'n = 2^63',
    file('{}', 0, 2n ** 63n),
    /header length: expected at most 16777216 bytes, received 9223372036854775808/,
  ),
  bad('n = 2^64-1', file('{}', 0, 2n ** 64n - 1n), /header length: .* received 18446744073709551615/),
  bad('n = file + 1', file('{}', 0, 11), /header length: expected at most the 2 bytes left, received 11/),
  bad('n one too large', file('{}', 0, 3), /header length: expected at most the 2 bytes left, received 3/),
  bad('n = cap + 1', file('{}', 0, maxHeaderBytes + 1), /header length: expected at most 16777216 bytes/),
  bad('n = cap, short file', file('{}', 0, maxHeaderBytes), /expected at most the 2 bytes left/),
  bad('n = 1000, short file', file('{}', 0, 1000), /expected at most the 2 bytes left, received 1000/),
];

const texts: BadFile[] = [
  bad('not UTF-8', file(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])), /header: expected UTF-8/),
  bad('overlong UTF-8', file(new Uint8Array([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x7d])), /header: expected UTF-8/),
  bad(
    'surrogate in UTF-8',
    file(new Uint8Array([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d])),
    /expected UTF-8/,
  ),
  bad('byte order mark', file('\ufeff{}'), /received a file that begins with/),
  bad('leading space', file(' {}'), /received a file that begins with '.* \{\}'/),
  bad('unpaired surrogate', file(`{"\\ud800":${good}}`, 4), /unpaired surrogate/),
  bad('JSON array', file('[]'), /received a file that begins with '.*\[\]'/),
  bad('JSON number', file('1'), /received a file that begins with/),
  bad('JSON null', file('null'), /received a file that begins with/),
  bad(
    'nested 100,000 deep',
    file('{"a":'.repeat(100_000)),
    /tensor 'a': expected dtype, shape and data_offsets/,
  ),
  bad(
    'arrays 100,000 deep',
    file(`{"a":${'['.repeat(100_000)}`),
    /tensor 'a': entry: expected a JSON object/,
  ),
  bad('text after the header', file('{}x'), /byte 10: header: expected nothing after it, received 'x'/),
  bad('NUL padding', file('{}\0\0'), /expected nothing after it/),
  bad('comment', file('{/**/}'), /key: expected a string/),
  bad('single quotes', file("{'a':1}"), /expected a string/),
  bad('trailing comma', file(`{"a":${good},}`, 4), /expected a string/),
  bad('missing colon', file('{"a" 1}'), /key 'a': expected ':'/),
  bad('string without end', file('{"a'), /the string has no end/),
  bad('escape without end', file('{"a\\'), /the string has no end/),
  bad('wrong escape', file('{"\\x41":1}'), /wrong escape/),
  bad('raw control character', file('{"a\nb":1}'), /control character in a string/),
];

const names: BadFile[] = [
  bad(
    'tensor twice',
    file(`{"a":${good},"a":${good}}`, 4),
    /header: expected each key once, received 'a' twice/,
  ),
  bad('tensor twice by escape', file(`{"a":${good},"\\u0061":${good}}`, 4), /received 'a' twice/),
  bad(
    'field twice',
    file('{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    /tensor 'a': entry: .*'dtype' twice/,
  ),
  bad('__metadata__ twice', file('{"__metadata__":{},"__metadata__":{}}'), /'__metadata__' twice/),
  bad('metadata key twice', file('{"__metadata__":{"a":"1","a":"2"}}'), /__metadata__: .*'a' twice/),
  bad('__proto__ not a tensor', file('{"__proto__":{"polluted":1}}'), /tensor '__proto__': expected dtype/),
  bad('empty name', file(`{"":${good}}`, 4), /tensor '': the name is empty/),
  bad(
    '64 kB name',
    file(`{"${'n'.repeat(65536)}":${good}}`, 4),
    /tensor 'n+\.\.\.': the name is longer than 1024/,
  ),
  bad('NUL in a name', file(`{"a\\u0000b":${good}}`, 4), /tensor 'a\\u0000b': the name contains a control/),
  bad('escape sequence in a name', file(`{"\\u001b[31m":${good}}`, 4), /the name contains a control/),
  bad('__metadata__ is a string', file('{"__metadata__":"x"}'), /__metadata__: expected a JSON object/),
  bad('__metadata__ is null', file('{"__metadata__":null}'), /__metadata__: expected a JSON object/),
  bad(
    '__metadata__ value is a number',
    file('{"__metadata__":{"a":1}}'),
    /__metadata__ 'a': expected a string, received '1/,
  ),
  bad(
    '__metadata__ value is an object',
    file('{"__metadata__":{"a":{}}}'),
    /__metadata__ 'a': expected a string/,
  ),
];

const fields: BadFile[] = [
  bad('tensor is null', file('{"a":null}'), /tensor 'a': entry: expected a JSON object, received 'null/),
  bad(
    'dtype missing',
    file('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4),
    /tensor 'a': dtype: .*received nothing/,
  ),
  bad('shape missing', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), /tensor 'a': shape: .*nothing/),
  bad('offsets missing', file('{"a":{"dtype":"F32","shape":[1]}}', 4), /tensor 'a': data_offsets: .*nothing/),
  bad(
    'unknown field',
    file('{"a":{"dtype":"F32","strides":[1]}}', 4),
    /tensor 'a': expected .*, received 'strides'/,
  ),
  bad(
    'unknown dtype',
    one('F33', '[1]', '[0,4]'),
    /tensor 'a': dtype: expected a known type, received 'F33'/,
  ),
  bad('dtype in lower case', one('f32', '[1]', '[0,4]'), /dtype: expected a known type, received 'f32'/),
  bad('dtype of a prototype', one('constructor', '[1]', '[0,4]'), /dtype: expected a known type/),
  bad('dtype a number', file('{"a":{"dtype":1}}'), /tensor 'a': dtype: expected a string/),
  bad(
    'shape -1',
    one('F32', '[-1]', '[0,4]'),
    /tensor 'a': shape\[0\]: expected a whole number .* received -1/,
  ),
  bad('shape 1.5', one('F32', '[1.5]', '[0,4]'), /shape\[0\]: .* received 1.5/),
  bad('shape 1.0', one('F32', '[1.0]', '[0,4]'), /shape\[0\]: .* received 1.0/),
  bad('shape 1e0', one('F32', '[1e0]', '[0,4]'), /shape\[0\]: .* received 1e0/),
  bad('shape -0', one('F32', '[-0]', '[0,0]', 0), /shape\[0\]: .* received -0/),
  bad('shape 01', one('F32', '[01]', '[0,4]'), /shape\[0\]: .* received 01/),
  bad('shape 1e400', one('F32', '[1e400]', '[0,4]'), /shape\[0\]: .* received 1e400/),
  bad('shape of text', one('F32', '["1"]', '[0,4]'), /shape\[0\]: expected a whole number, received '"1"/),
  bad('shape of null', one('F32', '[null]', '[0,4]'), /shape\[0\]: expected a whole number, received 'null/),
  bad('shape not an array', one('F32', '1', '[0,4]'), /tensor 'a': shape: expected a JSON array/),
  bad(
    'shape 2^64-1',
    one('F32', '[18446744073709551615]', '[0,4]'),
    /shape\[0\]: .*received 18446744073709551615/,
  ),
  bad('shape 2^53', one('F32', '[9007199254740992]', '[0,4]'), /shape\[0\]: .*received 9007199254740992/),
  bad('shape of a million digits', one('F32', `[${'9'.repeat(1e6)}]`, '[0,4]'), /received 9+\.\.\./),
  bad('shape [2, 2^63-1]', one('F32', '[2,9223372036854775807]', '[0,4]'), /shape\[1\]: /),
  bad(
    'product overflows before a 0',
    one('F32', '[1099511627776,1099511627776,0]', '[0,0]', 0),
    /shape: .* more than 2\^53-1 bits/,
  ),
  bad(
    'bytes overflow',
    one('F64', '[9007199254740991]', '[0,4]'),
    /tensor 'a': shape: .* more than 2\^53-1 bits/,
  ),
  bad(
    'rank 1,000',
    one('F32', `[${Array(1000).fill(1).join()}]`, '[0,4]'),
    /shape: expected at most 8 elements/,
  ),
  bad('rank 9', one('F32', '[1,1,1,1,1,1,1,1,1]', '[0,4]'), /shape: expected at most 8 elements/),
  bad('begin > end', one('F32', '[1]', '[4,0]'), /data_offsets: expected begin <= end, received \[4, 0\]/),
  bad('negative offset', one('F32', '[1]', '[-4,0]'), /data_offsets\[0\]: .* received -4/),
  bad('one offset', one('F32', '[1]', '[4]'), /data_offsets: expected \[begin, end\], received \[4\]/),
  bad('three offsets', one('F32', '[1]', '[0,4,8]'), /data_offsets: expected at most 2 elements/),
  bad(
    'shape and offsets differ by one',
    one('F32', '[1]', '[0,5]', 5),
    /expected 4 bytes for F32 \[1\], received 5/,
  ),
  bad(
    '4-bit elements that end inside a byte',
    one('F4', '[3]', '[0,2]', 2),
    /3 elements of 4 bits do not fill whole bytes/,
  ),
];

const covers: BadFile[] = [
  bad(
    'not starting at 0',
    one('F32', '[1]', '[4,8]', 8),
    /tensor 'a': data_offsets: expected to begin at 0, .*gap/,
  ),
  bad(
    'overlap',
    file(`{"a":${entry('U8', '[4]', '[0,4]')},"b":${entry('U8', '[4]', '[3,7]')}}`, 7),
    /tensor 'b': .* begin at 4, after tensor 'a', received 3 \(an overlap/,
  ),
  bad('same range twice', file(`{"a":${good},"b":${good}}`, 4), /tensor 'b': .*overlap/),
  bad(
    'same range 100,000 times',
    file(`{${Array.from({ length: 100_000 }, (_, i) => `"${i}":${good}`).join()}}`, 4),
    /an overlap/,
  ),
  bad(
    'gap',
    file(`{"a":${entry('U8', '[1]', '[0,1]')},"b":${entry('U8', '[1]', '[2,3]')}}`, 3),
    /tensor 'b': .* begin at 1, .* received 2 \(a gap/,
  ),
  bad(
    'empty tensor in a gap',
    file(`{"a":${good},"b":${entry('F32', '[0]', '[8,8]')}}`, 8),
    /tensor 'b': .*a gap/,
  ),
  bad('tail', one('F32', '[1]', '[0,4]', 5), /data: expected 4 bytes, .* received 5/),
  bad(
    'ZIP appended',
    new Uint8Array([...validFile(), ...Buffer.from('PK\x05\x06'), ...Array(18).fill(0)]),
    /data: expected 3748 bytes/,
  ),
  bad('data without tensors', file('{}', 1), /data: expected 0 bytes, .* received 1/),
  bad('one byte short', validFile().subarray(0, -1), /tensor 'fc.half': .* end within the 3747 bytes/),
  bad('no data at all', one('F32', '[1]', '[0,4]', 0), /tensor 'a': .* end within the 0 bytes/),
];

/** Every kind of bad file, with the message it must give. */
export const badSafetensors: readonly BadFile[] = [...lengths, ...texts, ...names, ...fields, ...covers];

/** Small files that claim to be huge. */
export const lyingSafetensors: readonly BadFile[] = [
  ...[2n ** 30n, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n].map((n) =>
    bad(`header of ${n} bytes`, file('{}', 0, n), /header length/),
  ),
  bad('header of the cap', file('{}', 0, maxHeaderBytes), /header length/),
  ...[2 ** 30, 2 ** 32, 2 ** 40, 2 ** 49].map((n) =>
    bad(`tensor of ${n} bytes`, one('U8', `[${n}]`, `[0,${n}]`), /end within the 4 bytes/),
  ),
  bad('tensor of 2^53-1 bytes', one('U8', '[9007199254740991]', '[0,9007199254740991]'), /2\^53-1 bits/),
  bad('tensor of 2^63 bytes', one('U8', '[9223372036854775808]', '[0,9223372036854775808]'), /shape\[0\]/),
  bad('shape of 2^60 elements', one('F32', '[1048576,1048576,1048576]', '[0,4]'), /2\^53-1 bits/),
  bad('4 GB of offsets only', one('F32', '[1]', '[0,4294967296]'), /expected 4 bytes/),
];
