/** The check that layers with two inputs of one size share. */
import { ArgumentError, ShapeError } from '../errors.ts';
import { type Feature, FeatureMap } from './feature.ts';

const size = (x: Feature): string =>
  x instanceof FeatureMap ? `${x.height}x${x.width}x${x.channels}` : `${x.channels}`;

/** Refuses features of different models, kinds or sizes. */
export function expectSameSize(layer: string, a: Feature, b: Feature): void {
  if (a.builder !== b.builder) throw new ArgumentError(`${layer}: expected two features of one model`);
  if (a.kind !== b.kind || size(a) !== size(b)) {
    throw new ShapeError(
      `${layer}: expected a ${a.kind} of ${size(a)} as the first input, received a ${b.kind} of ${size(b)}`,
    );
  }
}
