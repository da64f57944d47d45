// What a contender's process costs beside the time of its iterations: start-up, compiling, memory, a busy event loop.
import { openAll, stopAll } from '../contest.mjs';
import { withInputs } from '../inputs.mjs';
import { titleOf } from './models.mjs';

/** The works that processes are looked at in: one image, and training steps. */
export const worksOf = (quick) =>
  quick
    ? [{ model: 'se_resnet20', mode: 'infer', batch: 1, size: 32 }]
    : [
        { model: 'se_resnet50', mode: 'infer', batch: 1, size: 224 },
        { model: 'se_resnet50', mode: 'train', batch: 16, size: 224 },
      ];

/**
 * Opens each contender by itself, lets `look` at it, and says what that finds.
 *
 * @param setting.name of the measure, in front of the work
 * @param setting.rounds processes of each contender, in turns
 * @param setting.env environment variables of the processes
 * @param setting.can further condition, as for takingPart
 * @param look gets the process; returns a number, or undefined
 * @param summarise makes fields of the numbers of a contender
 */
export async function lookAtEach(session, setting, look, summarise) {
  const { suite, name, unit, work, rounds = 1, can, env } = setting;
  const measure = `${name}, ${titleOf(work)}`;
  const taking = session.takingPart(suite, measure, work, can);
  if (taking.length === 0) return;
  const found = new Map(taking.map((contender) => [contender, []]));
  await withInputs(work, async (files) => {
    let reference;
    for (let round = 0; round < rounds; round += 1)
      for (const [contender, values] of found) {
        const start = [contender, contender.command(files, session.options.threads)];
        const check = { suite, measure, rows: work.batch, reference, env };
        const { opened, expected } = await openAll(session, check, [start]);
        reference = expected;
        try {
          if (opened.length === 0) found.delete(contender);
          else values.push(await look(opened[0]));
        } catch (error) {
          session.say({ suite, measure, contender: contender.name, skipped: error.message });
          found.delete(contender);
        } finally {
          await stopAll(opened);
        }
      }
  });
  for (const [contender, values] of found)
    session.say({ suite, measure, contender: contender.name, unit, ...summarise(values) });
}
