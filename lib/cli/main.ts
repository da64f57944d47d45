/**
 * The command line, but for `senet doctor`, which has to work where nothing else does.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong use. What was found goes to stdout, what went wrong to stderr, on one line.
 */
import { isSenetError } from '../index.ts';
import { ablate } from './ablate.ts';
import { type Command, readArguments, UsageError } from './command.ts';
import { convert } from './convert.ts';
import { data } from './data.ts';
import { evaluate } from './eval.ts';
import { models } from './models.ts';
import { predict } from './predict.ts';
import { profile } from './profile.ts';
import { runs } from './runs.ts';
import { summary } from './summary.ts';
import { train } from './train.ts';

const commands = new Map<string, Command>(
  Object.entries({ train, eval: evaluate, runs, ablate, data, predict, summary, profile, convert, models }),
);

function overview(): string {
  const lines = [...commands].map(([name, command]) => `  ${name.padEnd(8)} ${command.summary}`);
  return `senet COMMAND [options]

${lines.join('\n')}
  doctor   says what senet found on this machine, what is missing, and what to do about it

Each takes --json, for programs, and --help.`;
}

/**
 * Runs a command.
 *
 * @param args what stands behind `senet`
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(overview());
    return 0;
  }
  const command = name === undefined ? undefined : commands.get(name);
  if (command === undefined) {
    const all = [...commands.keys(), 'doctor'].join(', ');
    console.error(
      `senet: expected a command (${all}), received ${name === undefined ? 'none' : `'${name}'`}`,
    );
    return 2;
  }
  try {
    const given = readArguments(command, rest);
    if (given.flag('help')) {
      console.log(`${command.usage}\n  --json            the answer as JSON`);
      return 0;
    }
    const answer = await command.run(given);
    console.log(given.flag('json') ? JSON.stringify(answer.json, undefined, 2) : answer.text);
    return 0;
  } catch (error) {
    return report(name!, error);
  }
}

/** Says on one line what went wrong; returns the exit code. */
function report(name: string, error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`senet ${name}: ${error.message}; see: senet ${name} --help`);
    return 2;
  }
  const message = error instanceof Error ? error.message.split('\n').join(' ') : String(error);
  console.error(`senet ${name}: ${isSenetError(error) ? `${error.code}: ` : ''}${message}`);
  return 1;
}
