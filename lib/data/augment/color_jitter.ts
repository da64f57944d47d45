/** Brightness, contrast and saturation, each changed by a random factor, as torchvision's ColorJitter defines them. */
import { requireKeys, requireNumber, requireOptions } from '../check.ts';
import { between, type Draw } from '../random.ts';
import { type Picture, stored } from './picture.ts';

/** How much {@link Augmentation.colorJitter} changes: a factor is drawn from 1 - x to 1 + x, but not below 0. */
export interface ColorJitter {
  /** The image times the factor; default 0. */
  readonly brightness?: number;
  /** Distances from the mean brightness of the image times the factor; default 0. */
  readonly contrast?: number;
  /** Distances of a pixel's colours from its brightness times the factor; default 0. Grey images stay as they are. */
  readonly saturation?: number;
}

const parts = ['brightness', 'contrast', 'saturation'] as const;
type Part = (typeof parts)[number];

/** One of the three and its factor. */
export type ColorChange = readonly [part: Part, factor: number];

const mostJitter = 1000;

/** Checks the options and fills in defaults. */
export function checkColorJitter(label: string, value: ColorJitter): Required<ColorJitter> {
  requireOptions(label, value);
  requireKeys(label, value, parts);
  const { brightness = 0, contrast = 0, saturation = 0 } = value;
  const filled = { brightness, contrast, saturation };
  for (const part of parts) requireNumber(`${label}.${part}`, filled[part], 0, mostJitter);
  return filled;
}

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/** The changes of one image in their order, which is random, too. */
export function drawColorChanges(jitter: Required<ColorJitter>, draw: Draw): ColorChange[] {
  const order = orders[Math.floor(draw() * orders.length)]!;
  const factors = parts.map((part) => between([Math.max(0, 1 - jitter[part]), 1 + jitter[part]], draw()));
  return order.map((i): ColorChange => [parts[i]!, factors[i]!]).filter(([part]) => jitter[part] > 0);
}

/** A pixel's brightness (ITU-R 601) where it has three channels, red first; else the mean of its channels. */
function brightnessAt(values: Float32Array, at: number, channels: number): number {
  if (channels === 3) return 0.299 * values[at]! + 0.587 * values[at + 1]! + 0.114 * values[at + 2]!;
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += values[at + c]!;
  return sum / channels;
}

function meanBrightness(values: Float32Array, channels: number): number {
  let sum = 0;
  for (let at = 0; at < values.length; at += channels) sum += brightnessAt(values, at, channels);
  return sum / (values.length / channels);
}

/**
 * The image after the changes, one after another, each kept in 0 to white. Bytes are rounded once, at the end.
 *
 * @param white the largest value of a pixel
 */
export function changeColors(picture: Picture, white: number, changes: readonly ColorChange[]): Picture {
  const { channels } = picture;
  const values = Float32Array.from(picture.data);
  for (const [part, factor] of changes) {
    const mean = part === 'contrast' ? meanBrightness(values, channels) : 0;
    for (let at = 0; at < values.length; at += channels) {
      const anchor = part === 'saturation' ? brightnessAt(values, at, channels) : mean;
      for (let i = at; i < at + channels; i++) {
        const changed = factor * values[i]! + (1 - factor) * anchor;
        values[i] = changed < 0 ? 0 : changed > white ? white : changed;
      }
    }
  }
  return { ...picture, data: stored(picture, values) };
}
