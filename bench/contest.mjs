// A measure that all contenders take part in: opened one after the other, checked against the first, timed in turns.
import { disagreement } from './agreement.mjs';
import { start } from './contenders/index.mjs';
import { interleave } from './harness.mjs';
import { note } from './session.mjs';
import { median, ratiosOf, summary } from './statistics.mjs';

/** Starts contenders on a work and waits for each; those that fail or differ are reported and ended. */
export async function openAll(session, { suite, measure, rows, reference, env }, starts) {
  const opened = [];
  let expected = reference;
  for (const [contender, command, name = contender.name] of starts) {
    const process = start(contender, command, session.options.threads, env);
    process.name = name;
    note(`${measure}: ${name}`);
    try {
      await process.ready();
      expected ??= process.info;
      const skipped = disagreement(process.info, expected, rows);
      if (skipped !== undefined) throw new Error(skipped);
      opened.push(process);
    } catch (error) {
      session.say({ suite, measure, contender: name, skipped: error.message });
      await process.stop();
    }
  }
  return { opened, expected };
}

export const stopAll = (processes) => Promise.all(processes.map((process) => process.stop()));

/** A line for each contender: median and quartiles, its ratio to the first, and the memory it held at most. */
function sayTimes(session, { suite, measure, work }, opened, { times, failures }) {
  const [{ name: first }] = opened;
  for (const process of opened) {
    const { name, info } = process;
    if (name in failures) session.say({ suite, measure, contender: name, skipped: failures[name] });
    else
      session.say({
        ...{ suite, measure, contender: name, version: info.version, unit: 'ms', ...summary(times[name]) },
        ...{ batch: work.batch, peakBytes: process.peakBytes() },
        ...(name !== first && { toFirst: median(ratiosOf(times[name], times[first])), first }),
      });
  }
}

/**
 * Times a work on all contenders that can do it.
 *
 * @param contest.files a work with its files, from withInputs
 * @param contest.apart whether each runs against the first alone, where all together would not fit into memory
 */
export async function contest(session, { suite, measure, files, turn, apart = false }) {
  const taking = session.takingPart(suite, measure, files);
  if (taking.length === 0) return;
  const [first, ...others] = taking;
  const groups = apart && others.length > 0 ? others.map((other) => [first, other]) : [taking];
  for (const [index, group] of groups.entries()) {
    const starts = group.map((contender) => [contender, contender.command(files, session.options.threads)]);
    const { opened } = await openAll(session, { suite, measure, rows: files.batch }, starts);
    try {
      if (opened.length === 0) continue;
      const timed = await interleave(opened, turn);
      // The first one has a line in the first group alone; its later times serve the ratios.
      const isAgain = index > 0 && opened[0].name === first.name;
      const said = isAgain ? withoutFirst(session) : session;
      sayTimes(said, { suite, measure, work: files }, opened, timed);
    } finally {
      await stopAll(opened);
    }
  }
}

/** A session that says what is not of the first contender. */
const withoutFirst = (session) => ({
  say: (result) => {
    if (result.first !== undefined || result.skipped !== undefined) session.say(result);
  },
});
