import { ArgumentError } from '../errors.ts';
import { expectFeature, type Feature } from './feature.ts';

/**
 * Runs `body` with the names of its layers below `name`.
 *
 * @example
 * scope(x, 'layer1', (y) => bottleneck(y, { filters: 256, name: '0' })) // layer1.0.conv1.weight, ...
 */
export function scope<F extends Feature, R>(x: F, name: string, body: (x: F) => R): R {
  const { builder } = expectFeature('scope', x);
  if (typeof name !== 'string' || name === '') throw new ArgumentError('scope: name: expected a name');
  if (typeof body !== 'function') throw new ArgumentError('scope: body: expected a function');
  return builder.scope(name, () => body(x));
}
