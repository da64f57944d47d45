import type { Pixels } from './image.ts';
import { loadSharp } from './sharp.ts';

/** Pixels of a side at most. */
const SIDE = 112;

/** An image as a data URL of a PNG, made smaller where it is large. */
export async function thumbnail({ data, width, height }: Pixels): Promise<string> {
  const sharp = await loadSharp();
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** Any values `[H, W, C]` as RGB bytes, the least black and the largest white; of other than three channels the first. */
export function stretched(image: Float32Array, [height, width, channels]: readonly number[]): Pixels {
  const shown = Array.from({ length: height! * width! * 3 }, (_, i) =>
    channels === 3 ? image[i]! : image[Math.floor(i / 3) * channels!]!,
  );
  const low = shown.reduce((a, b) => Math.min(a, b));
  const high = shown.reduce((a, b) => Math.max(a, b));
  const data = Uint8Array.from(shown, (value) => (255 * (value - low)) / Math.max(high - low, 1e-12));
  return { data, width: width!, height: height! };
}
