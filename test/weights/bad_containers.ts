/** Archives and streams that are damaged or lie, each with what the error must say. */
import { ascii, type BadFile, bad, good } from './bad_file.ts';
import {
  keyList,
  magic,
  Pickle,
  type RecordSpec,
  streamFile,
  validPth,
  type ZipSpec,
  zip,
  zipFile,
} from './build_pth.ts';

const patched = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] = value;
  return copy;
};
/** The records of a valid archive with one of them changed. */
const records = (change: Partial<RecordSpec>, spec: ZipSpec = {}, at = 1): Uint8Array => {
  const list: RecordSpec[] = [
    { name: 'archive/data.pkl', bytes: good },
    { name: 'archive/data/0', bytes: new Uint8Array(16) },
  ];
  list[at] = { ...list[at]!, ...change };
  return zip(list, spec);
};

export const containers: BadFile[] = [
  bad('empty', new Uint8Array(0), /received an empty file/),
  bad('text', ascii('hello, weights'), /received a file that begins with 'hello, weigh'/),
  bad(
    'Git LFS pointer',
    ascii('version https://git-lfs.github.com/spec/v1\noid'),
    /received a Git LFS pointer/,
  ),
  bad('web page', ascii('<!DOCTYPE html><html>'), /received HTML or XML/),
  bad('gzip', ascii('\x1f\x8b\x08\0\0\0\0\0\0\0'), /received a gzip archive/),
  bad('HDF5', ascii('\x89HDF\r\n\x1a\n\0\0\0\0'), /received an HDF5 file/),
  bad('tar', ascii(`${'sys_info'.padEnd(257, '\0')}ustar`), /received a tar archive/),
  bad('another pickle', new Pickle(4).op(0x4e).bytes(), /received a file that begins with/),
  bad('zip cut in half', validPth('zip').slice(0, 400), /zip: expected a directory at the end, found none/),
  bad('zip without its last byte', validPth('zip').slice(0, -1), /zip: expected a directory at the end/),
  bad('zip of no records', zip([]), /expected one record data.pkl, .* received 0 among 0 records/),
  bad('zip without data.pkl', zip([{ name: 'a/b', bytes: good }]), /received 0 among 1 records/),
  bad(
    'two data.pkl',
    zip(['a', 'b'].map((folder) => ({ name: `${folder}/data.pkl`, bytes: good }))),
    /expected one record data.pkl, .* received 2/,
  ),
  bad(
    'bytes ahead of the archive',
    Buffer.concat([ascii('PK\x03\x04'), zipFile(good)]),
    /expected the directory to end at byte/,
  ),
  bad(
    'directory beyond the file',
    records({}, { directory: 1 << 30 }),
    /expected the directory to end at byte/,
  ),
  bad('directory of 2^31 bytes', records({}, { directoryBytes: 2 ** 31 }), /expected the directory to end/),
  bad('an entry too many', records({}, { entries: 3 }), /zip: expected 3 entries, received 2/),
  bad('several disks', records({}, { disk: 1 }), /expected an archive in one file/),
  bad('zip64 end elsewhere', records({}, { wide: true, end64: 0 }), /zip64: expected its end record/),
  bad(
    'zip64 directory of 2^63 bytes',
    records({}, { wide: true, directoryBytes: 2 ** 63 }),
    /zip64: expected the directory/,
  ),
  bad(
    'zip64 without its field',
    records({ extra: [] }, { wide: true }),
    /record 'archive\/data\/0': expected a zip64 field/,
  ),
  bad('compressed', records({ method: 8 }), /record 'archive\/data\/0': expected stored data, .* method 8/),
  bad('encrypted', records({ flags: 1 }), /record 'archive\/data\/0': expected no encryption/),
  bad(
    'sizes that differ',
    records({ stored: 15 }),
    /record 'archive\/data\/0': expected 16 stored bytes, received 15/,
  ),
  bad(
    'record of 4 GB',
    records({ size: 0xfffffff0 }),
    /record 'archive\/data\/0': expected to end before byte/,
  ),
  bad(
    'records that overlap',
    records({ header: 0 }),
    /record 'archive\/data.pkl': expected to end before byte 0/,
  ),
  bad('record in the directory', records({ size: 40 }), /record 'archive\/data\/0': expected to end before/),
  bad(
    'another name in the local header',
    records({ localName: 'archive/data/1' }),
    /record 'archive\/data\/0': expected a header .* agrees/,
  ),
  bad('record twice', records({ name: 'archive/data.pkl' }), /received 'archive\/data.pkl' twice/),
  bad(
    'damaged pickle',
    records({ crc: 7 }, {}, 0),
    /record 'archive\/data.pkl': expected the checksum 7, received/,
  ),
  bad(
    'damaged storage',
    records({ crc: 7 }),
    /tensor 'w': record 'archive\/data\/0': expected the checksum 7, received/,
  ),
  bad(
    'storage of another name',
    records({ name: 'archive/data/9' }),
    /tensor 'w': expected a record 'archive\/data\/0', found none/,
  ),
  bad(
    'storage a byte short',
    zipFile(good, { 0: new Uint8Array(15) }),
    /tensor 'w': record 'archive\/data\/0': expected 16 bytes .* received 15/,
  ),
  bad(
    'big-endian',
    zip([
      { name: 'a/data.pkl', bytes: good },
      { name: 'a/byteorder', bytes: ascii('big') },
    ]),
    /record 'a\/byteorder': expected 'little', received 'big'/,
  ),
];

export const streams: BadFile[] = [
  bad(
    'stream: another magic number',
    streamFile(good, { magic: patched(magic, 4, 0) }),
    /magic number: expected that of torch.save/,
  ),
  bad(
    'stream: another protocol',
    streamFile(good, { protocol: new Pickle().int(7).bytes() }),
    /protocol version: expected 1001, received 7/,
  ),
  bad(
    'stream: big-endian',
    streamFile(good, { machine: new Pickle().op(0x7d).text('little_endian').op(0x89, 0x73).bytes() }),
    /machine: expected a file of a little-endian machine/,
  ),
  bad('stream: cut in the magic number', magic.slice(0, 8), /magic number, byte 4: the pickle has no end/),
  bad('stream: cut in the object', streamFile(good).slice(0, 150), /object, byte \d+: the pickle has no end/),
  bad(
    'stream: calls os.system',
    streamFile(new Pickle().global('os.system').op(0x29, 0x52).bytes()),
    /object, byte \d+: .* 'os.system'/,
  ),
  bad(
    'stream: keys that are no list',
    streamFile(good, { keys: new Pickle().int(1).bytes() }),
    /storage keys: expected a list/,
  ),
  bad(
    'stream: a key too many',
    streamFile(good, { keys: keyList('0', '1') }),
    /storage '1': expected the key of a storage that the object names/,
  ),
  bad(
    'stream: a key twice',
    streamFile(good, { keys: keyList('0', '0') }),
    /storage '0': expected each key once/,
  ),
  bad(
    'stream: no keys',
    streamFile(good, { keys: keyList(), storages: [] }),
    /tensor 'w': storage '0': expected its values in the file, found none/,
  ),
  bad(
    'stream: number as key',
    streamFile(good, { keys: new Pickle().op(0x5d).int(0).op(0x61).bytes() }),
    /storage keys: expected the key of a storage/,
  ),
  bad('stream: no length', streamFile(good, { storages: [] }), /storage '0': expected its length at byte/),
  bad(
    'stream: another length',
    streamFile(good, { storages: [[5, new Uint8Array(20)]] }),
    /storage '0': expected 4 elements, as the object says, received 5/,
  ),
  bad(
    'stream: negative length',
    streamFile(good, { storages: [[-1, new Uint8Array(16)]] }),
    /as the object says, received -1/,
  ),
  bad(
    'stream: a byte short',
    streamFile(good).slice(0, -1),
    /storage '0': expected 4 elements of F32 from byte \d+, the file has/,
  ),
  bad(
    'stream: a byte more',
    Buffer.concat([streamFile(good), new Uint8Array(1)]),
    /expected the file to end at byte \d+, after its storages/,
  ),
];
