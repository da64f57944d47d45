// The benchmarks; docs/benchmarks.md says what they measure and how.
//
//   npm run bench                            every suite
//   npm run bench -- models se-cost          some of them, or pairs of the README such as cifar-pytorch
//   npm run bench -- --quick                 small nets, few rounds: whether all works, no figures to quote
//   npm run bench -- --filter 'batch 1 .*(senet|pytorch)'   what matches "measure / contender"
//   npm run bench -- --python .venv/bin/python --threads 2 --rounds 5
//   npm run bench -- --json now.json --compare old.json --html report.html
//   npm run bench -- --from now.json --html report.html     what a file has, measuring nothing
//   npm run bench -- --from now.json --publish              makes it what the documents say
//
// Prints a JSON line for the machine and one for each result. Contenders are used where they are installed.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compareResults, comparisonTable, differences } from './compare.mjs';
import { publish } from './publish.mjs';
import { reportPage } from './report/page.mjs';
import { note, Session } from './session.mjs';
import { measures, suites } from './suites/index.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    threads: { type: 'string', default: '2' },
    quick: { type: 'boolean', default: false },
    python: { type: 'string' },
    models: { type: 'string' },
    filter: { type: 'string' },
    json: { type: 'string' },
    from: { type: 'string' },
    compare: { type: 'string' },
    html: { type: 'string' },
    publish: { type: 'boolean', default: false },
  },
});

function wholeNumber(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`--${name}: expected 1 or more, received ${text}`);
  return value;
}

const readReport = (path) => JSON.parse(readFileSync(path, 'utf8'));

async function measure() {
  const wanted = positionals.length === 0 ? Object.keys(suites) : positionals;
  const unknown = wanted.find((name) => !Object.hasOwn(measures, name));
  if (unknown !== undefined)
    throw new RangeError(`bench: expected ${Object.keys(measures).join(', ')}, received '${unknown}'`);
  const session = await new Session({
    quick: values.quick,
    python: values.python,
    models: values.models,
    rounds: wholeNumber('rounds', values.rounds ?? (values.quick ? '2' : '7')),
    threads: wholeNumber('threads', values.threads),
    filter: values.filter === undefined ? undefined : new RegExp(values.filter),
  }).open();
  for (const name of wanted) {
    try {
      await measures[name](session);
    } catch (error) {
      // One that fails does not take the results of hours along.
      session.say({ suite: name, measure: name, skipped: error.message });
      process.exitCode = 1;
    }
    save(session.report());
  }
  return session.report();
}

function save(report) {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
}

const report = values.from === undefined ? await measure() : readReport(values.from);
if (values.html !== undefined) writeFileSync(values.html, reportPage(report));
if (values.publish) publish(report);
if (values.compare !== undefined) {
  const old = readReport(values.compare);
  for (const difference of differences(old, report)) note(`not the same ${difference}`);
  note(comparisonTable(compareResults(old.results, report.results)));
}
