/** Damaged, lying and hostile files of PyTorch's formats. */
import { containers, streams } from './bad_containers.ts';
import type { BadFile } from './bad_file.ts';
import { pickles, tensors } from './bad_pickles.ts';

export const badPth: readonly BadFile[] = [...containers, ...pickles, ...tensors, ...streams];

/** Files below 1 kB that claim to hold up to 2^63 bytes. */
export const lyingPth = badPth.filter(({ bytes, name }) => bytes.byteLength < 1024 && /GB|2\^/.test(name));
