/** Runs one part of the check, `worker.mjs PART SETTINGS`, and prints its result as a line of JSON. */
import { writeSync } from 'node:fs';

const [part, settings] = process.argv.slice(2);
let result;
try {
  const { run } = await import(`./${part}.mjs`);
  result = await run(JSON.parse(settings));
} catch (error) {
  result = { error: error.message };
}
// All of it is out before the process ends.
writeSync(1, `${JSON.stringify(result)}\n`);
process.exit(0);
