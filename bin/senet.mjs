#!/usr/bin/env node
/** The command line of the package. */
import { parseArgs } from 'node:util';
import { formatFacts, gatherFacts } from '../scripts/doctor/doctor.mjs';

const usage = `senet doctor          says what senet found on this machine, what is missing, and what to do about it
senet doctor --json   the same for programs
The exit code is 0 when the CPU can be used.`;

function readCommand() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    console.error(`senet: ${error.message}\n${usage}`);
    return process.exit(2);
  }
}

const { values, positionals } = readCommand();
if (values.help) {
  console.log(usage);
} else if (positionals.join(' ') !== 'doctor') {
  console.error(`senet: expected 'doctor', received '${positionals.join(' ')}'\n${usage}`);
  process.exitCode = 2;
} else {
  const report = gatherFacts();
  console.log(values.json ? JSON.stringify(report, undefined, 2) : formatFacts(report));
  process.exitCode = report.cpu ? 0 : 1;
}
