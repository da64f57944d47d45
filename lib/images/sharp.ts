/** The package sharp, which decodes and writes images on threads beside JavaScript's. */
import { UnsupportedError } from '../errors.ts';

export type { Sharp, SharpOptions } from 'sharp';

type SharpModule = typeof import('sharp').default;
let loaded: Promise<SharpModule> | undefined;

/** Loads sharp when the first image comes, so that all else works where there is no sharp. */
export function loadSharp(): Promise<SharpModule> {
  loaded ??= import('sharp').then(
    (module) => module.default,
    (error: unknown) => {
      loaded = undefined;
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      throw new UnsupportedError(`images: expected the package sharp, which reads them; ${reason}`);
    },
  );
  return loaded;
}
