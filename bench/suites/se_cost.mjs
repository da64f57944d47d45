// What squeeze-and-excitation costs each contender: its time with SE over its time without, in turns. Where memory
// happens to lie moves a process's time by more than SE does, so fast contenders have several pairs of processes.
import { openAll, stopAll } from '../contest.mjs';
import { interleave, isSlow } from '../harness.mjs';
import { withInputs } from '../inputs.mjs';
import { median, ratiosOf, summary } from '../statistics.mjs';

/** The paper's: 209 against 190 ms for a training step on eight GPUs, 167 against 164 ms for an image on a CPU. */
const PAPER = { train: 1.1, infer: 1.018 };

function plan(quick, rounds) {
  const fast = { rounds, perTurn: 3, pauseMs: 20 };
  if (quick) return [{ plain: 'resnet20', mode: 'infer', batch: 1, size: 32, pairs: 2, turn: fast }];
  const net = { plain: 'resnet50', size: 224 };
  return [
    {
      ...net,
      mode: 'infer',
      batch: 1,
      pairs: rounds,
      turn: { rounds: 2, perTurn: 11, drop: 3, pauseMs: 20 },
    },
    { ...net, mode: 'infer', batch: 16, pairs: rounds, turn: { rounds: 2 } },
    { ...net, mode: 'train', batch: 16, pairs: 1, turn: { rounds } },
  ];
}

/**
 * Times of one contender's two nets by one pair of processes, in turns; undefined where one of them failed.
 *
 * @param references each net's results so far, to check against; gets those of the first contender
 * @returns { times: [with SE, without], slow: whether one of them takes seconds for an iteration }
 */
async function timesOfPair(session, setting, contender, works, references) {
  const { suite, measure, turn } = setting;
  const opened = [];
  try {
    for (const [kind, files] of Object.entries(works)) {
      const start = [
        contender,
        contender.command(files, session.options.threads),
        `${contender.name}, ${kind}`,
      ];
      const check = { suite, measure, rows: files.batch, reference: references[kind] };
      const one = await openAll(session, check, [start]);
      if (one.opened.length === 0) return undefined;
      references[kind] = one.expected;
      opened.push(...one.opened);
    }
    const { times, failures } = await interleave(opened, turn);
    const [failure] = Object.values(failures);
    if (failure !== undefined) {
      session.say({ suite, measure, contender: contender.name, skipped: failure });
      return undefined;
    }
    return { times: opened.map(({ name }) => times[name]), slow: opened.some(isSlow) };
  } finally {
    await stopAll(opened);
  }
}

/** The same of so many pairs, one after the other; of a slow contender of one. Undefined where any failed. */
async function timesOf(session, setting, ...rest) {
  const all = [[], []];
  for (let pair = 0; pair < setting.pairs; pair += 1) {
    const one = await timesOfPair(session, setting, ...rest);
    if (one === undefined) return undefined;
    for (const [net, times] of one.times.entries()) all[net].push(...times);
    if (one.slow) break;
  }
  return all;
}

async function measureOne(session, { plain, mode, batch, size, pairs, turn }) {
  const suite = 'se-cost';
  const measure = `SE cost, ${plain} ${mode === 'train' ? 'training' : 'inference'}, batch ${batch}`;
  const work = { mode, batch, size };
  const taking = session.takingPart(suite, measure, work);
  if (taking.length === 0) return;
  const references = {};
  await withInputs({ ...work, model: `se_${plain}` }, (se) =>
    withInputs({ ...work, model: plain }, async (without) => {
      for (const contender of taking) {
        const times = await timesOf(
          session,
          { suite, measure, pairs, turn },
          contender,
          { SE: se, plain: without },
          references,
        );
        if (times === undefined) continue;
        const [withSe, alone] = times;
        session.say({
          ...{
            suite,
            measure,
            contender: contender.name,
            unit: 'ratio',
            ...summary(ratiosOf(withSe, alone)),
          },
          ...{ seMs: median(withSe), plainMs: median(alone), paper: PAPER[mode] },
        });
      }
    }),
  );
}

export async function measureSeCost(session) {
  const { quick, rounds } = session.options;
  for (const setting of plan(quick, rounds)) await measureOne(session, setting);
}
