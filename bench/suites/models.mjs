// Whole networks: inference of one image and of a batch, and training steps, by all contenders.
import { contest } from '../contest.mjs';
import { withInputs } from '../inputs.mjs';

/** A work: a network, what is done with it, how many images at once, and their size. */
export const inference = (model, batch, size) => ({ model, mode: 'infer', batch, size });
export const training = (model, batch, size) => ({ model, mode: 'train', batch, size });

/** The works, with the turns that suit how long they take. */
function plan(quick, rounds) {
  if (quick)
    return [
      [inference('se_resnet20', 1, 32), { rounds, perTurn: 3, pauseMs: 20 }],
      [training('se_resnet20', 4, 32), { rounds, pauseMs: 20 }],
    ];
  return [
    [inference('se_resnet50', 1, 224), { rounds: 2 * rounds, perTurn: 5 }],
    [inference('se_resnet50', 16, 224), { rounds }],
    [training('se_resnet20', 128, 32), { rounds, perTurn: 3 }],
    [training('se_resnet50', 16, 224), { rounds }],
  ];
}

export const titleOf = ({ model, mode, batch, size }) =>
  `${model} ${mode === 'train' ? 'training step' : 'inference'}, batch ${batch}, ${size}x${size}`;

export async function measureModels(session) {
  const { quick, rounds } = session.options;
  for (const [work, turn] of plan(quick, rounds))
    await withInputs(work, (files) =>
      contest(session, {
        ...{ suite: 'models', measure: titleOf(work), files, turn },
        // A training step takes gigabytes in each process.
        apart: work.mode === 'train' && work.size > 32,
      }),
    );
}
