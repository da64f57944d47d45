import {
  type DeviceName,
  formatProfile,
  listDevices,
  measurePeak,
  profileTrace,
  schedules,
  sgd,
} from '../index.ts';
import type { Command } from './command.ts';
import { writeOut } from './files.ts';
import { choice, modelOf, modelOptions, modelUsage } from './options.ts';

/** `senet profile MODEL` */
export const profile: Command = {
  summary: 'says where the time of a model goes',
  usage: `senet profile MODEL [options]
  --training        a training step; default a prediction
  --batch-size N    images at once; default 1
  --runs N          runs whose medians are taken; default 5
  --top N           steps to list, the slowest first; default 20
  --trace FILE      write a trace for chrome://tracing or ui.perfetto.dev
  --threads N       threads on the CPU; default one a core
  --device DEVICE   auto, cpu or cuda; default auto
${modelUsage}`,
  options: {
    ...modelOptions,
    training: { type: 'boolean' },
    'batch-size': { type: 'string' },
    runs: { type: 'string' },
    top: { type: 'string' },
    trace: { type: 'string' },
    threads: { type: 'string' },
    device: { type: 'string' },
  },
  positionals: [1, 1],
  run: async (given) => {
    const device = choice<DeviceName>(given, 'device', ['auto', 'cpu', 'cuda']) ?? 'auto';
    const threads = given.whole('threads');
    const training = given.flag('training');
    const top = given.whole('top') ?? 20;
    const options = { training, batchSize: given.whole('batch-size') ?? 1, runs: given.whole('runs') ?? 5 };
    using model = modelOf(given.positionals[0]!, given);
    const many = threads !== undefined && { threads };
    const learning = training && { optimizer: sgd(), schedule: schedules.constant({ lr: 0 }) };
    await model.compile({ device, ...many, ...learning });
    const steps = await model.profile(options);
    const trace = given.text('trace');
    if (trace !== undefined) await writeOut(trace, JSON.stringify(profileTrace(steps)));
    // What a GPU reaches is not measured.
    const isCpu = device === 'cpu' || (device === 'auto' && (await listDevices()).length === 1);
    const peak = isCpu ? await measurePeak({ ...many }) : undefined;
    return { text: formatProfile(steps, { top, ...(peak && { peak }) }), json: { peak, steps } };
  },
};
