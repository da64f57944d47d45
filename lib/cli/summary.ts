import type { Command } from './command.ts';
import { modelOf, modelOptions, modelUsage } from './options.ts';

/** `senet summary MODEL` */
export const summary: Command = {
  summary: "lists a model's layers, shapes, parameters and multiply-adds",
  usage: `senet summary MODEL [options]
${modelUsage}`,
  options: modelOptions,
  positionals: [1, 1],
  run: async (given) => {
    using model = modelOf(given.positionals[0]!, given);
    const found = model.summary();
    return { text: String(found), json: { ...found, toString: undefined } };
  },
};
