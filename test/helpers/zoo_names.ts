/** The models of the zoo that tests run, one after another. */
import { listModels, type ModelName } from '../../lib/models/index.ts';

const isLarge = (name: string): boolean =>
  /101|152|154|vgg|resnet_v2|shake|regnety_(032|040|080|160)/.test(name);

/**
 * All with SENET_ZOO=all; else without the largest, which take as long as all others together and differ from smaller
 * ones in numbers of blocks and channels.
 */
export const zooNames: readonly ModelName[] = listModels().filter(
  (name) => process.env['SENET_ZOO'] === 'all' || !isLarge(name),
);
