/**
 * Every error senet throws on purpose. Each carries a stable `code`; the message names the argument, layer or
 * tensor and says what was expected and what was received.
 *
 * Wrong use is reported as {@link ArgumentError} (a `TypeError`), {@link ArgumentRangeError} or
 * {@link ShapeError} (both `RangeError`), so that code which knows nothing of senet can still tell them apart.
 */

/** The stable codes of senet's errors. */
export type ErrorCode =
  | 'ERR_SENET_ARGUMENT'
  | 'ERR_SENET_RANGE'
  | 'ERR_SENET_SHAPE'
  | 'ERR_SENET_DISPOSED'
  | 'ERR_SENET_BUSY'
  | 'ERR_SENET_STATE'
  | 'ERR_SENET_NON_FINITE'
  | 'ERR_SENET_FILE'
  | 'ERR_SENET_WEIGHTS'
  | 'ERR_SENET_OUT_OF_MEMORY'
  | 'ERR_SENET_UNSUPPORTED'
  | 'ERR_SENET_NATIVE_MISSING'
  | 'ERR_SENET_CUDA_UNAVAILABLE'
  | 'ERR_SENET_NATIVE';

/** What all senet errors have in common; test with {@link isSenetError}. */
export interface SenetErrorFields {
  /** Stable, machine-readable reason. */
  readonly code: ErrorCode;
}

/** Base class of senet's errors that are not plain wrong-argument errors. */
export class SenetError extends Error implements SenetErrorFields {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An argument has the wrong type or is missing. */
export class ArgumentError extends TypeError implements SenetErrorFields {
  readonly code = 'ERR_SENET_ARGUMENT';
  override readonly name = 'ArgumentError';
}

/** An argument has the right type and an impossible value. */
export class ArgumentRangeError extends RangeError implements SenetErrorFields {
  readonly code = 'ERR_SENET_RANGE';
  override readonly name = 'ArgumentRangeError';
}

/** A tensor's shape does not fit the layer or op that receives it. */
export class ShapeError extends RangeError implements SenetErrorFields {
  readonly code = 'ERR_SENET_SHAPE';
  override readonly name = 'ShapeError';
}

/** A disposed model, program or tensor was used. */
export class DisposedError extends SenetError {
  constructor(what: string) {
    super('ERR_SENET_DISPOSED', `${what} was disposed and can no longer be used`);
  }
}

/** The object is in the middle of something that excludes the call, for instance two `fit` calls at once. */
export class BusyError extends SenetError {
  constructor(message: string) {
    super('ERR_SENET_BUSY', message);
  }
}

/** A call came too early, for instance `fit` before `compile`. */
export class StateError extends SenetError {
  constructor(message: string) {
    super('ERR_SENET_STATE', message);
  }
}

/**
 * A NaN or an infinity turned up in the input, the loss or a gradient. The step that met it changed nothing:
 * parameters, optimizer state and running statistics are those of the step before.
 */
export class NonFiniteError extends SenetError {
  /** Optimizer step, counted from 0, or -1 outside training. */
  readonly step: number;
  /** Layer or parameter in which the value first appeared. */
  readonly layer: string;
  /** What held it: `'input'`, `'activation'`, `'loss'` or `'gradient'`. */
  readonly tensor: string;

  constructor(details: { step: number; layer: string; tensor: string }) {
    const where = details.step < 0 ? '' : ` at step ${details.step}`;
    super(
      'ERR_SENET_NON_FINITE',
      `non-finite value${where}: first seen in the ${details.tensor} of '${details.layer}'; no parameter was changed`,
    );
    this.step = details.step;
    this.layer = details.layer;
    this.tensor = details.tensor;
  }
}

/** A file is damaged, lies about itself or is not of the stated format. */
export class FileError extends SenetError {
  /** The file, as it was given. */
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super('ERR_SENET_FILE', `${path}: ${message}`, options);
    this.path = path;
  }
}

/** Weights do not fit the model; lists every mismatch. The model keeps the weights it had. */
export class WeightsError extends SenetError {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly mismatched: readonly string[];

  constructor(details: { missing: string[]; unexpected: string[]; mismatched: string[] }) {
    const part = (label: string, names: string[]) =>
      names.length === 0 ? [] : [`${label} (${names.length}): ${names.join(', ')}`];
    super(
      'ERR_SENET_WEIGHTS',
      `weights do not fit the model; it is unchanged. ${[
        ...part('missing', details.missing),
        ...part('unexpected', details.unexpected),
        ...part('wrong shape', details.mismatched),
      ].join('; ')}`,
    );
    this.missing = details.missing;
    this.unexpected = details.unexpected;
    this.mismatched = details.mismatched;
  }
}

/** The device has not enough memory for the request. */
export class OutOfMemoryError extends SenetError {
  constructor(message: string) {
    super('ERR_SENET_OUT_OF_MEMORY', message);
  }
}

/** The device or this build cannot do what was asked. */
export class UnsupportedError extends SenetError {
  constructor(message: string) {
    super('ERR_SENET_UNSUPPORTED', message);
  }
}

/** The native addon cannot be loaded; the message says how to build it. */
export class NativeMissingError extends SenetError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SENET_NATIVE_MISSING', message, options);
  }
}

/** No GPU can be used; the message says what was looked for, where, and what to install. */
export class CudaUnavailableError extends SenetError {
  constructor(message: string) {
    super('ERR_SENET_CUDA_UNAVAILABLE', message);
  }
}

/** True for every error that senet throws on purpose. */
export function isSenetError(error: unknown): error is Error & SenetErrorFields {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_SENET_');
}
