// Time of a training step while a live page is open, against one without a page: in turns on one model, so that a change
// of the machine's speed meets both alike. Whole turns are timed, since the page is made in few of their steps.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createModel, livePage, sgd } from '../../dist/index.js';

const reader = fileURLToPath(new URL('../contenders/page_reader.mjs', import.meta.url));
const batchSize = 32;
const dropped = 5;

const noise = (length) => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) * 1.7);

/** A page of a run that is long already, and a process that has it open. */
async function openPage(model) {
  const page = await livePage({ model });
  const logs = { epoch: 0, step: 0, steps: 10_000, samples: batchSize, lr: 0.1, top1: 0, top5: 0 };
  for (let step = 0; step < 10_000; step += 1)
    await page.onStepEnd({ ...logs, step, loss: 2 + Math.sin(step) });
  const child = spawn(process.execPath, [reader, page.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return { page, ended: async () => JSON.parse((await lines.next()).value).parts };
}

/** Mean milliseconds of a step, and those of all threads together on a processor. */
async function turn(model, batch, steps, callbacks) {
  let done = 0;
  let start;
  let result;
  const now = () => ({ ms: performance.now(), cpu: process.cpuUsage() });
  const timer = {
    onStepEnd() {
      done += 1;
      if (done === dropped) start = now();
      if (done !== steps) return;
      const { user, system } = process.cpuUsage(start.cpu);
      const each = (all) => all / (steps - dropped);
      result = { ms: each(now().ms - start.ms), cpuMs: each((user + system) / 1000) };
    },
  };
  const batches = Array.from({ length: steps }, () => batch);
  await model.fit(batches, { epochs: 1, callbacks: [...callbacks, timer] });
  return result;
}

/**
 * @returns {Promise<object>} milliseconds of a step with and without the page, their ratio round by round, and that of
 * the processor's time, which other programs disturb less
 */
export async function measureLivePage({ rounds, median, threads, seconds = 4 }) {
  const model = createModel('se_resnet20', { input: [32, 32, 3] });
  await model.compile({ device: 'cpu', threads, optimizer: sgd() });
  const batch = {
    images: noise(batchSize * 32 * 32 * 3),
    labels: new Int32Array(batchSize),
    size: batchSize,
  };
  const steps = dropped + Math.ceil((1000 * seconds) / (await turn(model, batch, 20, [])).ms);
  const times = { page: [], none: [] };
  let parts = 0;
  const contenders = {
    page: async () => {
      const { page, ended } = await openPage(model);
      const result = await turn(model, batch, steps, [page]);
      parts += await ended();
      return result;
    },
    none: () => turn(model, batch, steps, []),
  };
  for (let round = 0; round < rounds; round += 1) {
    const order = Object.entries(contenders);
    for (const [name, run] of round % 2 === 0 ? order : order.toReversed()) times[name].push(await run());
  }
  model.dispose();
  const all = (name, field) => times[name].map((result) => result[field]);
  const ratiosOf = (field) => times.page.map((result, i) => result[field] / times.none[i][field]);
  const ratios = ratiosOf('ms');
  return {
    measure: `se_resnet20 training step, batch ${batchSize}, 32x32, with a live page open`,
    ms: median(all('page', 'ms')),
    withoutMs: median(all('none', 'ms')),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    cpuRatio: median(ratiosOf('cpuMs')),
    parts,
  };
}
