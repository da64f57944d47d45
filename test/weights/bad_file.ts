import { stateDict } from './build_pth.ts';

/** A damaged or lying file and what the error must say. */
export interface BadFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly message: RegExp;
}

export const bad = (name: string, bytes: Uint8Array, message: RegExp): BadFile => ({ name, bytes, message });

/** The pickle of one tensor 'w', 2x2 floats of storage '0'. */
export const good = stateDict({ w: {} });

export const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
