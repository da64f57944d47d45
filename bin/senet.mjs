#!/usr/bin/env node
/** The command line of the package. The doctor stands alone: it has to work where nothing is built. */
import { parseArgs } from 'node:util';
import { formatFacts, gatherFacts } from '../scripts/doctor/doctor.mjs';

const usage = `senet doctor          says what senet found on this machine, what is missing, and what to do about it
senet doctor --json   the same for programs
The exit code is 0 when the CPU can be used.`;

function doctor(args) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: { json: { type: 'boolean' }, help: { type: 'boolean' } } }));
  } catch (error) {
    console.error(`senet doctor: ${error.message.split('. ')[0]}; see: senet doctor --help`);
    return 2;
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const report = gatherFacts();
  console.log(values.json ? JSON.stringify(report, undefined, 2) : formatFacts(report));
  return report.cpu ? 0 : 1;
}

async function others(args) {
  const main = new URL('../dist/cli.js', import.meta.url);
  const module = await import(main.href).catch((error) => {
    console.error(`senet: expected the built package; ${error.message.split('\n')[0]}; run: npm run setup`);
  });
  return module === undefined ? 1 : module.main(args);
}

// A reader that has seen enough, such as head, is no error.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const [command, ...rest] = process.argv.slice(2);
process.exitCode = command === 'doctor' ? doctor(rest) : await others(process.argv.slice(2));
