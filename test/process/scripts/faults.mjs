/**
 * Trains once for every system call of its saves that can fail, and prints a line of JSON for each: what became of the run
 * and of its files. Run with the faults preloaded: node faults.mjs FOLDER
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { CheckpointFolder, checkCheckpoints } from '../../../dist/internals.js';
import { batch, compileOptions, tinyModel } from './tiny.mjs';

const [place] = process.argv.slice(2);
const faults = {
  open: ['EIO', 'ENOSPC', 'EINTR'],
  write: ['EIO', 'ENOSPC', 'EINTR', 'short'],
  fsync: ['EIO', 'EINTR'],
  close: ['EIO', 'EINTR'],
  rename: ['EIO', 'EINTR'],
  unlink: ['EIO', 'EINTR'],
};
const data = [batch(4, 0), batch(4, 1), batch(4, 2)];

async function hashOf(model) {
  const hash = createHash('sha256');
  for (const { data: values } of (await model.stateDict()).values())
    hash.update(new Uint8Array(values.buffer));
  return hash.digest('hex');
}

/** Three saves, of which the last removes the first; `fault` strikes from the second on. */
async function train(directory, fault) {
  const model = tinyModel();
  await model.compile(compileOptions);
  const errors = [];
  const begin = {
    onEpochBegin: (epoch) => {
      if (epoch === 1 && fault !== undefined) process.env.FAULT = fault;
    },
  };
  const { epochs } = await model.fit(data, {
    epochs: 3,
    callbacks: [begin],
    checkpoints: { directory, keepLast: 2, onError: (error) => errors.push(error) },
  });
  const weights = await hashOf(model);
  model.dispose();
  return { epochs: epochs.length, weights, errors };
}

async function outcome(directory, fault) {
  mkdirSync(directory);
  process.env.FAULT_FOLDER = directory;
  process.env.FAULT = '';
  const { epochs, weights, errors } = await train(directory, fault);
  const struck = process.env.FAULT === 'done';
  process.env.FAULT = '';
  const folder = new CheckpointFolder(checkCheckpoints('faults', { directory }));
  const { state, damaged } = await folder.latest();
  return {
    struck,
    epochs,
    weights,
    errors: errors.map(({ code, cause }) => `${code} ${cause?.code}`),
    latest: state.modelStep,
    damaged: damaged.length,
    files: readdirSync(directory),
  };
}

console.log(JSON.stringify({ fault: 'none', ...(await outcome(join(place, 'none'))) }));
for (const [call, kinds] of Object.entries(faults)) {
  for (const kind of kinds) {
    for (let number = 1; ; number += 1) {
      const fault = `${call} ${number} ${constants.errno[kind] ?? kind}`;
      const result = await outcome(join(place, `${call}-${number}-${kind}`), fault);
      if (!result.struck) break;
      console.log(JSON.stringify({ fault: `${call} ${kind}`, number, ...result }));
    }
  }
}
