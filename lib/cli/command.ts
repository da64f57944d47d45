/** What a command of the command line is, and how its arguments are read. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Wrong use of the command line: one line says what was expected. */
export class UsageError extends Error {}

/** Options as `parseArgs` takes them. */
export type OptionKinds = NonNullable<ParseArgsConfig['options']>;

/** What was given on the command line. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** An option's text, or undefined. */
  text(name: string): string | undefined;
  /** Whether a flag was given. */
  flag(name: string): boolean;
  /** An option's whole number of at least 1, or undefined. */
  whole(name: string): number | undefined;
}

export interface Command {
  /** What it does, in one line. */
  readonly summary: string;
  /** How it is called, and its options, a line each. */
  readonly usage: string;
  readonly options: OptionKinds;
  /** Least and most arguments beside the options. */
  readonly positionals: readonly [least: number, most: number];
  /** Does it; what it returns is printed: text, or with `--json` the value. */
  run(given: Arguments): Promise<Answer>;
}

/** What a command has found. */
export interface Answer {
  readonly text: string;
  readonly json: unknown;
}

/** Reads arguments as a command's options say. */
export function readArguments({ options, positionals: [least, most] }: Command, args: readonly string[]) {
  const parsed = parse(options, args);
  const { positionals } = parsed;
  const values = new Map<string, unknown>(Object.entries(parsed.values));
  if (values.get('help') !== true && (positionals.length < least || positionals.length > most)) {
    const expected = most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least}`;
    throw new UsageError(`expected ${expected} argument(s), received ${positionals.length}`);
  }
  const text = (name: string): string | undefined => {
    const value = values.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const given: Arguments = {
    positionals,
    text,
    flag: (name) => values.get(name) === true,
    whole: (name) => wholeNumber(`--${name}`, text(name)),
  };
  return given;
}

function parse(options: OptionKinds, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...options, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    // parseArgs goes on about how to pass what looks like an option.
    const reason = error instanceof Error ? error.message.split(/\. |\n/)[0]! : String(error);
    throw new UsageError(reason);
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new UsageError(`${name}: expected a whole number, received '${text}'`);
  return Number(text);
}
