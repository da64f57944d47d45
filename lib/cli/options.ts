/** Options that several commands have. */
import {
  createModel,
  type LoadedRun,
  loadRun,
  type Model,
  type ModelBuildOptions,
  type ModelName,
} from '../index.ts';
import { type Arguments, type OptionKinds, UsageError } from './command.ts';

export const modelOptions: OptionKinds = {
  input: { type: 'string' },
  classes: { type: 'string' },
  'stride-in': { type: 'string' },
};

export const modelUsage = `  --input HxWxC     size of the images; default that of the model, as 224x224x3
  --classes N       number of classes; default 1000, CIFAR style 10
  --stride-in KIND  3x3 or 1x1: which convolution of a bottleneck has the stride; default 3x3`;

/** Which weights of a run are meant; what is no run has none to choose from. */
export function checkpointOf(given: Arguments, isRun: boolean): 'best' | 'last' {
  const checkpoint = choice(given, 'checkpoint', ['best', 'last']);
  if (checkpoint !== undefined && !isRun) throw new UsageError('--checkpoint: expected a run with it');
  return checkpoint ?? 'best';
}

/** The network of a run, which has the options of the model itself. */
export async function openRun(directory: string, given: Arguments): Promise<LoadedRun> {
  const other = ['model', 'weights', ...Object.keys(modelOptions)].find(
    (name) => given.text(name) !== undefined,
  );
  if (other !== undefined) throw new UsageError(`--${other}: expected none with a run, which has its own`);
  return loadRun(directory, { checkpoint: checkpointOf(given, true) });
}

/** A whole number, or several with a letter or comma between. */
export function numbers(name: string, text: string, separator: string, expected: string): number[] {
  const parts = text.split(separator);
  if (!parts.every((part) => /^[1-9]\d{0,8}$/.test(part)))
    throw new UsageError(`${name}: expected ${expected}, received '${text}'`);
  return parts.map(Number);
}

/** One of some words, or undefined. */
export function choice<T extends string>(
  given: Arguments,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = given.text(name);
  const found = choices.find((one) => one === text);
  if (text !== undefined && found === undefined)
    throw new UsageError(`--${name}: expected ${choices.join(' or ')}, received '${text}'`);
  return found;
}

/** An option that must be there. */
export function required(given: Arguments, name: string, what: string): string {
  const text = given.text(name);
  if (text === undefined || text === '') throw new UsageError(`expected --${name} ${what}`);
  return text;
}

/** An option's whole number of at least 0, or undefined. */
export function countFromZero(given: Arguments, name: string): number | undefined {
  return given.text(name) === '0' ? 0 : given.whole(name);
}

/** The model that the options describe. */
export function modelOf(name: string, given: Arguments): Model {
  const input = given.text('input');
  const classes = given.whole('classes');
  const strideIn = choice(given, 'stride-in', ['1x1', '3x3']);
  const options: ModelBuildOptions = {
    ...(input !== undefined && { input: inputSize(input) }),
    ...(classes !== undefined && { classes }),
    ...(strideIn !== undefined && { strideIn }),
  };
  // Another name is an error that lists those that are like it.
  return createModel(name as ModelName, options);
}

function inputSize(text: string): [number, number, number] {
  const [height, width, channels, ...more] = numbers('--input', text, 'x', 'HxWxC, such as 224x224x3');
  if (height === undefined || width === undefined || channels === undefined || more.length > 0)
    throw new UsageError(`--input: expected HxWxC, such as 224x224x3, received '${text}'`);
  return [height, width, channels];
}
