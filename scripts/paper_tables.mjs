/**
 * Writes docs/paper.md: the rows of the paper's tables, the call that builds each, and what it counts to.
 *
 *   node scripts/paper_tables.mjs [--check]
 *
 * With --check it writes nothing and ends with 1 when the page is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createModel } from '../dist/index.js';
import { tables } from './paper/tables.mjs';

const page = fileURLToPath(new URL('../docs/paper.md', import.meta.url));
const { values } = parseArgs({ options: { check: { type: 'boolean' } } });

/** Options as one writes them: no quotes around keys. */
const literal = (value) =>
  Array.isArray(value)
    ? `[${value.map(literal).join(', ')}]`
    : typeof value === 'object'
      ? `{ ${Object.entries(value)
          .map(([key, part]) => `${key}: ${literal(part)}`)
          .join(', ')} }`
      : typeof value === 'string'
        ? `'${value}'`
        : String(value);

const call = (name, options) =>
  `\`createModel('${name}'${options === undefined ? '' : `, ${literal(options)}`})\``;

const millions = (value) => `${(value / 1e6).toFixed(2)} M`;

/** The cells of a row: what it is, the call, what it counts to, and the paper's figures. */
function cells([label, name, options, ...paper]) {
  const model = createModel(name, options);
  const { parameters, states, macs } = model.summary();
  model.dispose();
  const giga = macs < 1e9 ? `${(macs / 1e6).toFixed(1)} M` : `${(macs / 1e9).toFixed(3)} G`;
  return [label, call(name, options), millions(parameters), millions(parameters + states), giga, ...paper];
}

const row = (parts) => `| ${parts.join(' | ')} |`;

function tableText({ title, text, paper, rows }) {
  const head = [
    'network',
    'call',
    'parameters',
    'with statistics',
    'multiply-adds',
    ...paper.map((one) => `paper: ${one}`),
  ];
  return [
    `## ${title}`,
    ...(text === undefined ? [] : ['', text]),
    '',
    row(head),
    row(head.map((_, i) => (i >= 2 && i <= 4 ? '---:' : '---'))),
    ...rows.map((one) => row(cells(one))),
  ].join('\n');
}

const intro = `# The paper, table by table

How to build what the tables of "Squeeze-and-Excitation Networks" (Hu et al.,
[arXiv 1709.01507](https://arxiv.org/abs/1709.01507), final version) compare, and what \`model.summary()\` counts, beside the
paper's own figures. The accuracies are the paper's; they were not measured here. The page is written by
\`node scripts/paper_tables.mjs\`, and a test compares.

- **Parameters** are learned values; **with statistics** adds the running means and variances of batch norm, which the
  paper's ablations (Tables X to XVI) count.
- **Multiply-adds** are those of convolutions and fully connected layers for one image. The paper's FLOPs have one more
  for each element of a residual sum and of an SE block's squeeze and scale: up to 0.03 G.
- The paper's ResNets have the stride in a bottleneck's first 1x1 convolution (\`strideIn: '1x1'\`), its ResNeXts in the
  3x3 one, and its SE blocks no biases (\`bias: false\`). Released weights have biases, as the default is here.`;

const text = `${[intro, ...tables.map(tableText)].join('\n\n')}\n`;
if (!values.check) {
  writeFileSync(page, text);
} else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/paper.md: expected what the zoo counts to; run: node scripts/paper_tables.mjs');
  process.exitCode = 1;
}
