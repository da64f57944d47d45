/** Gates of SE blocks over some validation images, for a figure of each stage. */
import type { Batch } from '../data/dataset.ts';
import { type BatchSource, openBatches } from '../data/source.ts';
import type { Excitations } from '../excitations.ts';
import type { Model } from '../model.ts';
import type { WeightsKind } from '../weights_kind.ts';

/** Images looked at, at most. */
const IMAGES = 256;
/** Classes drawn, which are those of the first images. */
const CLASSES = 5;
/** Figures at most. */
const STAGES = 8;

/** Captures the gates over some images of the data, the same ones each time where the data is a dataset. */
export async function sampleExcitations(
  model: Model,
  data: BatchSource,
  weights: WeightsKind,
): Promise<Excitations | undefined> {
  const options = { batchSize: 32, shuffle: true, epoch: 0 };
  const iterator = await openBatches('livePage: validation', data, options);
  const next = async (): Promise<Batch | undefined> => {
    const drawn = await iterator.next();
    return drawn.done === true ? undefined : drawn.value;
  };
  const first = await next();
  if (first === undefined) return undefined;
  async function* batches(): AsyncGenerator<Batch> {
    let images = 0;
    try {
      for (let batch = first; batch !== undefined && images < IMAGES; batch = await next()) {
        yield batch;
        images += batch.size;
      }
    } finally {
      await iterator.return?.();
    }
  }
  const classes = [...new Set(first.labels)].slice(0, CLASSES).sort((a, b) => a - b);
  return model.captureExcitations(batches(), { classes, weights });
}

/** The last block of each stage; where names tell no stages, some blocks evenly spread. */
export function lastOfStages(blocks: readonly string[]): string[] {
  // A name without the number of the block and that of the layer in it: layer1.0.se is of layer1.
  const stages = new Map(blocks.map((name) => [name.split('.').slice(0, -2).join('.'), name]));
  const chosen = stages.size > 1 ? [...stages.values()] : blocks;
  const count = Math.min(chosen.length, stages.size > 1 ? STAGES : 4);
  return Array.from({ length: count }, (_, i) => chosen[Math.floor(((i + 1) * chosen.length) / count) - 1]!);
}
