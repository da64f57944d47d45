// Where the steps of senet's own programs stand between the two roofs of the machine: every step of SE-ResNet-50, in
// inference and in training, with its operations, its bytes and its time.
import { createModel, measurePeak, schedules, sgd } from '../../dist/index.js';
import { note } from '../session.mjs';
import { median, sum } from '../statistics.mjs';
import { titleOf } from './models.mjs';

/** Steps with the same operation on the same sizes are one, with the median of their times. */
export function groupSteps(steps) {
  const groups = new Map();
  for (const step of steps) {
    const key = [step.op, step.implementation, step.flops, step.bytes].join();
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()].map((same) => {
    const [{ op, layer, implementation, flops, bytes }] = same;
    return {
      op,
      layer,
      implementation,
      flops,
      bytes,
      ms: median(same.map(({ ms }) => ms)),
      count: same.length,
    };
  });
}

async function measureOne(session, work, runs) {
  const { threads } = session.options;
  const { model: name, mode, batch, size } = work;
  const measure = titleOf(work);
  if (!session.wants(measure, 'senet')) return;
  note(`roofline: ${measure}`);
  const training = mode === 'train';
  const strideIn = /50$/.test(name) ? { strideIn: '1x1' } : {};
  const model = createModel(name, { ...strideIn, input: [size, size, 3], seed: 1 });
  try {
    const optimizer = { optimizer: sgd({ momentum: 0.9 }), schedule: schedules.constant({ lr: 0.001 }) };
    await model.compile({ device: 'cpu', threads, ...(training && optimizer) });
    const before = await measurePeak({ threads });
    const profile = await model.profile({ batchSize: batch, training, runs });
    const after = await measurePeak({ threads });
    const peak = {
      flops: Math.max(before.flops, after.flops),
      bandwidth: Math.max(before.bandwidth, after.bandwidth),
    };
    const steps = profile.filter(({ constant }) => !constant);
    const value = sum(steps.map(({ ms }) => ms));
    session.say({
      ...{ suite: 'roofline', measure, contender: 'senet', unit: 'ms', value, rounds: runs },
      ...{ peak, steps: groupSteps(steps) },
    });
  } finally {
    model.dispose();
  }
}

export async function measureRoofline(session) {
  const { quick, rounds } = session.options;
  const works = quick
    ? [{ model: 'se_resnet20', mode: 'infer', batch: 1, size: 32 }]
    : [
        { model: 'se_resnet50', mode: 'infer', batch: 1, size: 224 },
        { model: 'se_resnet50', mode: 'train', batch: 16, size: 224 },
      ];
  for (const work of works) await measureOne(session, work, rounds);
}
