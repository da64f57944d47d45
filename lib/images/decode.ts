/** Reads image files and raw pixels with sharp, whose threads decode beside JavaScript's. */
import type { Sharp, SharpOptions } from 'sharp';
import { ArgumentRangeError, FileError, UnsupportedError } from '../errors.ts';
import { RegularFile } from '../io/regular_file.ts';
import { type ImageSource, isRawImage, type Pixels, type RawImage } from './image.ts';
import { imageKind, signatureBytes } from './signature.ts';

/** An image that takes longer to decode was made to. */
const secondsToDecode = 120;

type SharpModule = typeof import('sharp').default;
let loaded: Promise<SharpModule> | undefined;

/** Loads sharp when the first image comes, so that all else works where there is no sharp. */
function loadSharp(): Promise<SharpModule> {
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

/**
 * Decodes an image to upright RGB bytes: the EXIF orientation is applied, alpha dropped, grey expanded, 16 bits reduced
 * to 8, CMYK converted. Embedded profiles of RGB images are not applied: Pillow, with which the known weights were
 * trained, does not either.
 *
 * @param label what errors call an image that has no file name
 * @param limit most width × height × channels, compared before anything is decoded
 * @throws FileError for a file that is missing, damaged, too large or no image; ArgumentRangeError for raw pixels beyond
 *   the limit
 */
export async function decodeImage(source: ImageSource, label: string, limit: number): Promise<Pixels> {
  if (isRawImage(source)) return decodeRaw(source, label, limit);
  const name = typeof source === 'string' ? source : label;
  // A copy: the decoder's threads must not see bytes change, nor their memory move to another thread.
  const bytes = typeof source === 'string' ? await readImageFile(source, limit) : new Uint8Array(source);
  const kind = imageKind(bytes);
  if (kind === undefined) throw notAnImage(name, bytes);
  return decodeBytes(bytes, kind, name, limit);
}

function notAnImage(name: string, bytes: Uint8Array): FileError {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
  return new FileError(
    name,
    `expected a JPEG, PNG, WebP, GIF, TIFF or AVIF image, received ${
      bytes.length === 0 ? 'an empty file' : `a file that starts with the bytes ${start}`
    }`,
  );
}

/** The file's bytes, once its first ones are those of an image. */
async function readImageFile(path: string, limit: number): Promise<Uint8Array> {
  const file = await RegularFile.open(path);
  try {
    const start = new Uint8Array(Math.min(signatureBytes, file.size));
    await file.read(start, 0);
    if (imageKind(start) === undefined) throw notAnImage(path, start);
    // No kind of file takes more than 16 bits a value, beside profiles and the like.
    const most = 2 * limit + 2 ** 26;
    if (file.size > most)
      throw new FileError(path, `expected at most ${most} bytes, received ${file.size} bytes`);
    const bytes = new Uint8Array(file.size);
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

async function decodeBytes(bytes: Uint8Array, kind: string, name: string, limit: number): Promise<Pixels> {
  const sharp = await loadSharp();
  try {
    const header = await sharp(bytes, { limitInputPixels: false }).metadata();
    const { width, height, channels } = header;
    if (width * height * channels > limit) {
      throw new FileError(
        name,
        `expected at most ${limit} for width x height x channels (limitPixels), received ${width} x ${height} x ${channels}`,
      );
    }
    const options: SharpOptions = {
      failOn: 'warning',
      limitInputPixels: limit,
      ignoreIcc: header.space !== 'cmyk',
      autoOrient: true,
    };
    return await toRgb(sharp(bytes, options));
  } catch (error) {
    if (error instanceof FileError) throw error;
    const reason = error instanceof Error ? error.message.trim().split('\n').join('; ') : String(error);
    throw new FileError(name, `expected a whole ${kind} image; ${reason}`, { cause: error });
  }
}

async function decodeRaw(image: RawImage, label: string, limit: number): Promise<Pixels> {
  const { data, width, height, channels } = image;
  if (data.length > limit) {
    throw new ArgumentRangeError(
      `${label}: expected at most ${limit} for width x height x channels (limitPixels), received ${width} x ${height} x ${channels}`,
    );
  }
  if (data.length !== width * height * channels) {
    throw new ArgumentRangeError(
      `${label}: data: expected ${width * height * channels} bytes, received ${data.length}`,
    );
  }
  const copy = new Uint8Array(data);
  if (channels === 3) return { data: copy, width, height };
  const sharp = await loadSharp();
  return toRgb(sharp(copy, { raw: { width, height, channels }, limitInputPixels: false }));
}

async function toRgb(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .timeout({ seconds: secondsToDecode })
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
  return { data, width: info.width, height: info.height };
}
