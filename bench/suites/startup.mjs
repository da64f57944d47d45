// From the start of a process to its first result: loading the library and the weights, compiling, one iteration.
import { summary } from '../statistics.mjs';
import { lookAtEach, worksOf } from './alone.mjs';

export async function measureStartup(session) {
  const { quick, rounds } = session.options;
  const [work] = worksOf(quick);
  const setting = { suite: 'startup', name: 'start-up', unit: 'ms', rounds: quick ? 1 : rounds };
  await lookAtEach(session, { ...setting, work: { ...work, warmup: 1 } }, ({ startMs }) => startMs, summary);
}
