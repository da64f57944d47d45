// How senet's time grows with its work: what a multiply-accumulate takes with more images, larger ones and deeper
// networks.
import { createModel } from '../../dist/index.js';
import { interleave } from '../harness.mjs';
import { imagesOf, optionsOf } from '../inputs.mjs';
import { note } from '../session.mjs';
import { ratiosOf, summary } from '../statistics.mjs';
import { inference, titleOf } from './models.mjs';

/** Works in which one thing grows; the time of a multiply-accumulate is compared with that in `base`. */
function series(quick) {
  if (quick) {
    const base = inference('se_resnet20', 1, 32);
    return [{ title: 'images', base, works: [1, 4].map((batch) => ({ ...base, batch })) }];
  }
  const base = inference('se_resnet50', 1, 224);
  return [
    { title: 'images', base, works: [1, 2, 4, 8, 16, 32, 64].map((batch) => ({ ...base, batch })) },
    {
      title: 'pixels',
      base,
      works: [64, 96, 128, 160, 224, 288, 352, 448].map((size) => ({ ...base, size })),
    },
    {
      title: 'layers',
      base,
      works: [18, 34, 50, 101, 152].map((depth) => ({ ...base, model: `se_resnet${depth}` })),
    },
  ];
}

/** A work as a contender of `interleave`, in this process. */
async function open(work, threads) {
  const { model: name, batch, size } = work;
  const model = createModel(name, { ...optionsOf(name), input: [size, size, 3], seed: 1 });
  await model.compile({ device: 'cpu', threads });
  const images = imagesOf(batch, size, model.classes).get('images').data;
  const ask = async () => {
    const start = performance.now();
    await model.predict(images, { batchSize: batch });
    return { ms: performance.now() - start };
  };
  const { ms: warmMs } = await ask();
  return {
    ...{ name: titleOf(work), work, macs: batch * model.summary().macs, info: { warmMs }, ask },
    stop: () => model.dispose(),
  };
}

async function measureSeries(session, { title, base, works }) {
  const { rounds, threads } = session.options;
  const wanted = works.filter((work) => session.wants(`growth with ${title}, ${titleOf(work)}`, 'senet'));
  if (wanted.length === 0) return;
  note(`growth with ${title}`);
  const all = wanted.some((work) => titleOf(work) === titleOf(base)) ? wanted : [base, ...wanted];
  const opened = [];
  try {
    for (const work of all) opened.push(await open(work, threads));
    const { times } = await interleave(opened, { rounds, perTurn: 3, pauseMs: 20 });
    const picoseconds = ({ name, macs }) => times[name].map((ms) => (ms * 1e9) / macs);
    const reference = picoseconds(opened.find(({ name }) => name === titleOf(base)));
    for (const one of opened.filter(({ work }) => wanted.includes(work))) {
      const each = picoseconds(one);
      session.say({
        ...{ suite: 'growth', measure: `growth with ${title}, ${one.name}`, contender: 'senet' },
        ...{ unit: 'ps a MAC', ...summary(each), macs: one.macs, toBase: summary(ratiosOf(each, reference)) },
      });
    }
  } finally {
    for (const one of opened) one.stop();
  }
}

export async function measureGrowth(session) {
  for (const one of series(session.options.quick)) await measureSeries(session, one);
}
