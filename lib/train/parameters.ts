/** Which parameters are trained, and how each of them. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import type { ModelDefinition, ParameterSpec } from '../layers/model_builder.ts';
import { checkNumber, checkOptions } from './check.ts';
import type { Optimizer } from './optimizer.ts';

/** What is different for some parameters. */
export interface ParameterGroup {
  /** Names, or starts of names up to a dot, of its parameters; `*` stands for any characters. */
  match: string | readonly string[];
  /** Factor of the learning rate; default 1. */
  lrScale?: number;
  /** Weight decay of all of them, norms and biases too; default: as the optimizer says. */
  weightDecay?: number;
}

/** The options of `compile` that are about some parameters. */
export interface ParameterOptions {
  optimizer?: Optimizer;
  freeze?: readonly string[];
  freezeNorms?: boolean | readonly string[];
  groups?: readonly ParameterGroup[];
}

/** What is done with the parameters of a model. */
export interface ParameterPlan {
  /** Share of the learning rate and weight decay of each trained parameter by name. */
  readonly updates: ReadonlyMap<string, { readonly rate: number; readonly decay: number }>;
  /** Names of the running means of norms that use running statistics in training. */
  readonly frozenNorms: ReadonlySet<string>;
}

const RUNNING_MEAN = '.running_mean';

/** Whether a pattern stands for a name: all of it, or its start up to a dot. */
function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}(\\.|$)`).test(name);
}

function checkPatterns(name: string, patterns: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  if (list.length === 0) throw new ArgumentError(`${name}: expected at least one name, received none`);
  return list.map((pattern) => {
    if (typeof pattern === 'string' && pattern !== '') return pattern;
    throw new ArgumentError(`${name}: expected names of layers or parameters, received ${String(pattern)}`);
  });
}

/** Those of the names that one of the patterns stands for; each pattern has to stand for one. */
function select(where: string, patterns: readonly string[], names: readonly string[]): Set<string> {
  const idle = patterns.find((pattern) => !names.some((name) => fits(pattern, name)));
  if (idle !== undefined) {
    const some = names.length > 6 ? [...names.slice(0, 6), '…'] : names;
    throw new ArgumentRangeError(
      `${where}: expected the start of a name such as ${some.join(', ')}; nothing fits '${idle}'`,
    );
  }
  return new Set(names.filter((name) => patterns.some((pattern) => fits(pattern, name))));
}

interface Group {
  readonly members: ReadonlySet<string>;
  readonly rate: number;
  readonly decay: number | undefined;
}

function readGroup(group: ParameterGroup, index: number, names: readonly string[]): Group {
  const where = `compile: groups[${index}]`;
  checkOptions(where, group, ['match', 'lrScale', 'weightDecay']);
  const { match, lrScale = 1, weightDecay } = group;
  return {
    members: select(`${where}.match`, checkPatterns(`${where}.match`, match), names),
    rate: checkNumber(`${where}.lrScale`, lrScale, { least: 0 }),
    decay:
      weightDecay === undefined ? undefined : checkNumber(`${where}.weightDecay`, weightDecay, { least: 0 }),
  };
}

/** Names of the running means, one for each norm. */
export const runningMeans = ({ parameters }: ModelDefinition): string[] =>
  parameters.map(({ name }) => name).filter((name) => name.endsWith(RUNNING_MEAN));

function readFrozenNorms(definition: ModelDefinition, option: boolean | readonly string[]): Set<string> {
  const means = runningMeans(definition);
  if (typeof option === 'boolean') return new Set(option ? means : []);
  const norms = means.map((name) => name.slice(0, -RUNNING_MEAN.length));
  const frozen = select('compile: freezeNorms', checkPatterns('compile: freezeNorms', option), norms);
  return new Set([...frozen].map((name) => name + RUNNING_MEAN));
}

/** Checks the options against a model's parameters. */
export function planParameters(definition: ModelDefinition, options: ParameterOptions): ParameterPlan {
  const { optimizer, freeze = [], freezeNorms = false, groups = [] } = options;
  if (!Array.isArray(freeze)) throw new ArgumentError('compile: freeze: expected an array of names');
  if (!Array.isArray(groups)) throw new ArgumentError('compile: groups: expected an array of groups');
  const specs = definition.parameters.filter(({ kind }) => kind === 'parameter');
  const names = specs.map(({ name }) => name);
  const patterns = freeze.length === 0 ? [] : checkPatterns('compile: freeze', freeze);
  const frozen = select('compile: freeze', patterns, names);
  const read = groups.map((group: ParameterGroup, i) => readGroup(group, i, names));
  const frozenNorms = readFrozenNorms(definition, freezeNorms);
  const trained = specs.filter(({ name }) => !frozen.has(name));
  if (trained.length === 0 && specs.length > 0) {
    throw new ArgumentRangeError('compile: freeze: expected some parameters to train, received all of them');
  }
  const decayOf = ({ decay }: ParameterSpec) =>
    optimizer !== undefined && (decay || optimizer.decayNormsAndBiases) ? optimizer.weightDecay : 0;
  const updateOf = (spec: ParameterSpec) => {
    const group = read.find(({ members }) => members.has(spec.name));
    return { rate: group?.rate ?? 1, decay: group?.decay ?? decayOf(spec) };
  };
  return { updates: new Map(trained.map((spec) => [spec.name, updateOf(spec)])), frozenNorms };
}
