/**
 * Runs for TensorBoard: files of records, each a length, its CRC, an `Event` message of protocol buffers and its CRC.
 * Format: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { crc32c } from '../io/crc32c.ts';
import { GrowingFile } from '../io/growing_file.ts';
import { asFileError, requirePath } from '../io/regular_file.ts';
import type { Callback, Metrics } from './callbacks.ts';

/** A CRC as record files keep it, so that a CRC of data that holds CRCs is still a good one. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A record: length (u64), CRC of the length (u32), data, CRC of the data (u32), little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.byteLength + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.byteLength), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.byteLength, maskedCrc(data), true);
  return bytes;
}

/** An Event with its wall time and step; the numbers of fields are those of event.proto and summary.proto. */
function event(step: number, fill: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(Date.now() / 1000);
  writer.tag(2, WireType.Varint).int64(step);
  fill(writer);
  return record(writer.finish());
}

const fileVersion = () =>
  event(0, (writer) => writer.tag(3, WireType.LengthDelimited).string('brain.Event:2'));

/** SessionLog START: what an earlier file says of this step and later ones is no longer shown. */
const sessionStart = (step: number) =>
  event(step, (writer) =>
    writer.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1).join(),
  );

const scalars = (step: number, values: Readonly<Record<string, number>>) =>
  event(step, (writer) => {
    writer.tag(5, WireType.LengthDelimited).fork();
    for (const [tag, value] of Object.entries(values)) {
      writer.tag(1, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).string(tag);
      writer.tag(2, WireType.Bit32).float(value);
      writer.join();
    }
    writer.join();
  });

const prefixed = (prefix: string, { loss, top1, top5 }: Metrics) => ({
  [`${prefix}/loss`]: loss,
  [`${prefix}/top1`]: top1,
  [`${prefix}/top5`]: top5,
});

/**
 * Writes a run for TensorBoard: loss, accuracies and learning rate of each step (`train/...`), means of each epoch
 * (`epoch/...`) and metrics on validation data (`validation/...`), by optimizer steps. A run that is resumed begins a
 * new file, which replaces what the earlier one says of steps that are done again.
 *
 * @param directory for TensorBoard's `--logdir`; made if it is not there
 * @example
 * await model.fit(train, { epochs: 90, callbacks: [tensorBoard('runs/first')] });
 */
export function tensorBoard(directory: string): Callback {
  requirePath('tensorBoard', directory);
  let file: GrowingFile | undefined;
  let steps = 0;
  return {
    name: `tensorBoard ${directory}`,
    async onTrainBegin({ resumed }) {
      if (resumed === undefined) steps = 0;
      const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
      // Files of one second in one process must not meet.
      const number = process.hrtime.bigint();
      const path = join(directory, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${number}`);
      await mkdir(directory, { recursive: true }).catch((error: unknown) => {
        throw asFileError(directory, 'make the folder', error);
      });
      file = await GrowingFile.open(path);
      await file.append(fileVersion());
      await file.append(sessionStart(steps));
    },
    async onStepEnd(logs) {
      const { lr, gradientNorm } = logs;
      const values = { ...prefixed('train', logs), 'train/lr': lr };
      const norm = gradientNorm === undefined ? {} : { 'train/gradientNorm': gradientNorm };
      await file?.append(scalars(steps, { ...values, ...norm }));
      steps += 1;
    },
    async onEpochEnd({ validation, ...logs }) {
      await file?.append(
        scalars(steps, {
          ...prefixed('epoch', logs),
          'epoch/samplesPerSecond': logs.samplesPerSecond,
          ...(validation && prefixed('validation', validation)),
        }),
      );
    },
    async onTrainEnd() {
      await file?.close();
      file = undefined;
    },
    saveState: () => steps,
    loadState(state) {
      steps = Number(state);
    },
  };
}
