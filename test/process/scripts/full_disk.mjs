/** Trains with checkpoints in a small file system until it is full, and goes on when there is room: node full_disk.mjs FOLDER. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from '../../../dist/internals.js';
import { batch, compileOptions, tinyModel } from './tiny.mjs';

const [directory] = process.argv.slice(2);
const model = tinyModel();
await model.compile(compileOptions);
const options = {
  epochs: 1000,
  checkpoints: { directory, keepLast: 2 },
  resume: 'auto',
};
const steps = () => readdirSync(directory).filter((name) => name.startsWith('step'));
try {
  await model.fit([batch(4)], { ...options, epochs: 2 });
  for (let i = 0; ; i += 1) {
    try {
      writeFileSync(join(directory, `old-${i}`), Buffer.alloc(50_000));
    } catch {
      break;
    }
  }
  await model.fit([batch(4)], options);
} catch (error) {
  console.log(error.code, /ENOSPC/.exec(error.message)?.[0]);
}
const before = steps();
const read = await Promise.all(before.map((name) => readCheckpoint(join(directory, name))));
console.log(`old checkpoints still read: ${read.length > 0}`);
const kinds = new Set(readdirSync(directory).map((name) => name.replace(/-.*/, '-*')));
console.log(`files left: ${[...kinds].sort().join(', ')}`);
for (const name of readdirSync(directory)) if (name.startsWith('old')) rmSync(join(directory, name));
const { epochs } = await model.fit([batch(4)], { ...options, epochs: 10 });
console.log(`the same model goes on: ${epochs.length === 10 && steps().length === 2}`);
model.dispose();
