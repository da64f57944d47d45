import { createModel, listModels } from '../index.ts';
import type { Command } from './command.ts';

/** `senet models` */
export const models: Command = {
  summary: 'names the models of the zoo, with parameters and multiply-adds',
  usage: 'senet models [--json]',
  options: {},
  positionals: [0, 0],
  run: async () => {
    const all = listModels().map((name) => {
      using model = createModel(name);
      const { parameters, macs } = model.summary();
      return { name, input: model.input, classes: model.classes, parameters, macs };
    });
    const longest = Math.max(...all.map(({ name }) => name.length));
    const lines = all.map(({ name, input, parameters, macs }) =>
      [
        name.padEnd(longest),
        input.join('x').padEnd(9),
        `${(parameters / 1e6).toFixed(2).padStart(7)} M parameters`,
        `${(macs / 1e9).toFixed(3).padStart(7)} G multiply-adds`,
      ].join('  '),
    );
    return { text: lines.join('\n'), json: all };
  },
};
