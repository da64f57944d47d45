// How much sooner more threads are done: senet's time on one thread over that on all of them, beside that of
// multiply-adds that touch no memory, which says what the machine itself gives.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openAll, stopAll } from '../contest.mjs';
import { interleave } from '../harness.mjs';
import { withInputs } from '../inputs.mjs';
import { ratiosOf, summary } from '../statistics.mjs';
import { titleOf } from './models.mjs';

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
  const infer = { model: 'se_resnet50', mode: 'infer', batch: 1, size: 224 };
  if (quick) return [{ ...infer, model: 'se_resnet20', batch: 4, size: 32 }];
  return [infer, { ...infer, batch: 16 }, { ...infer, mode: 'train', batch: 16 }];
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
    const machine = await openMultiplyAdds(counts);
    try {
      if (opened.length < starts.length) return;
      const all = [...opened, ...machine.contenders];
      const { times } = await interleave(all, { rounds, perTurn: work.batch === 1 ? 5 : 1 });
      const ratios = ([one, many]) => summary(ratiosOf(times[one.name], times[many.name]));
      session.say({
        ...{ suite: 'scaling', measure, contender: 'senet', unit: 'times', threads },
        ...{ ...ratios(opened), machine: ratios(machine.contenders) },
      });
    } finally {
      await stopAll(opened);
      await machine.stop();
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
