// How much sooner more threads are done: senet's time on one thread over that on all of them, beside that of
// multiply-adds that touch no memory: what the machine's cores give when nothing but the clock is shared.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openAll, stopAll } from '../contest.mjs';
import { interleave } from '../harness.mjs';
import { withInputs } from '../inputs.mjs';
import { ratiosOf, summary } from '../statistics.mjs';
import { inference, titleOf, training } from './models.mjs';

/** Multiply-adds of a turn, some tenths of a second on one thread. */
const MULTIPLY_ADDS = 4e8;

function multiplyAdd(count) {
  // Four at a time, so that none waits for the one before.
  let [a, b, c, d] = [1, 2, 3, 4];
  for (let i = 0; i < count; i += 4) {
    a = a * 0.999 + 1e-3;
    b = b * 0.999 + 1e-3;
    c = c * 0.999 + 1e-3;
    d = d * 0.999 + 1e-3;
  }
  return a + b + c + d;
}

if (!isMainThread && workerData?.multiplyAdds) {
  parentPort.on('message', (count) => parentPort.postMessage(multiplyAdd(count)));
}

/** Contenders of `interleave` that share the same multiply-adds among so many threads each; ready when warm. */
async function openMultiplyAdds(counts) {
  const most = Math.max(...counts);
  const workers = Array.from(
    { length: most },
    () => new Worker(new URL(import.meta.url), { workerData: { multiplyAdds: true } }),
  );
  const share = (count, sums) =>
    Promise.all(
      workers.slice(0, count).map((worker) => {
        const answer = new Promise((resolve) => worker.once('message', resolve));
        worker.postMessage(sums / count);
        return answer;
      }),
    );
  await share(most, MULTIPLY_ADDS);
  const contenders = counts.map((count) => ({
    name: `multiply-adds on ${count} threads`,
    ask: async () => {
      const start = performance.now();
      await share(count, MULTIPLY_ADDS);
      return { ms: performance.now() - start };
    },
  }));
  return { contenders, stop: () => Promise.all(workers.map((worker) => worker.terminate())) };
}

function worksOf(quick) {
  if (quick) return [inference('se_resnet20', 4, 32)];
  return [
    inference('se_resnet50', 1, 224),
    inference('se_resnet50', 16, 224),
    training('se_resnet50', 16, 224),
  ];
}

/** How many times as fast the last of `counts` threads are as the first, of processes of senet and of multiply-adds. */
async function ratiosBeside(senets, counts, turn) {
  const machine = await openMultiplyAdds(counts);
  try {
    const { times } = await interleave([...senets, ...machine.contenders], turn);
    const ratios = ([one, many]) => summary(ratiosOf(times[one.name], times[many.name]));
    return { ...ratios(senets), machine: ratios(machine.contenders) };
  } finally {
    await machine.stop();
  }
}

async function measureOne(session, work) {
  const { rounds, threads } = session.options;
  const measure = `scaling, ${titleOf(work)}`;
  if (!session.wants(measure, 'senet')) return;
  const senet = session.contenders.find(({ name }) => name === 'senet');
  const counts = [1, threads];
  await withInputs(work, async (files) => {
    const starts = counts.map((count) => [senet, senet.command(files, count), `${count} threads`]);
    const { opened } = await openAll(session, { suite: 'scaling', measure, rows: files.batch }, starts);
    try {
      if (opened.length < starts.length) return;
      const ratios = await ratiosBeside(opened, counts, { rounds, perTurn: work.batch === 1 ? 5 : 1 });
      session.say({ suite: 'scaling', measure, contender: 'senet', unit: 'times', threads, ...ratios });
    } finally {
      await stopAll(opened);
    }
  });
}

export async function measureScaling(session) {
  if (session.options.threads < 2)
    return session.say({
      suite: 'scaling',
      measure: 'scaling',
      contender: 'senet',
      skipped: 'needs --threads 2 or more',
    });
  for (const work of worksOf(session.options.quick)) await measureOne(session, work);
}
