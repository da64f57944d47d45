/** Reads image files and raw pixels with sharp. */
import type { Box } from '../data/augment/picture.ts';
import { ArgumentRangeError, FileError } from '../errors.ts';
import { RegularFile } from '../io/regular_file.ts';
import { type ImageSource, isRawImage, type Pixels, type RawImage } from './image.ts';
import { type Interpolation, resizeImage } from './resize.ts';
import { loadSharp, type Sharp, type SharpOptions } from './sharp.ts';
import { imageKind, signatureBytes } from './signature.ts';

/** An image that takes longer to decode was made to. */
const secondsToDecode = 120;

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
  return decodeWhole(await readHeader(bytes, kind, name, limit));
}

/** An encoded image of known size. */
export interface EncodedImage {
  readonly name: string;
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Once it is upright. */
  readonly width: number;
  /** Once it is upright. */
  readonly height: number;
  readonly options: SharpOptions;
}

/**
 * Reads an image file and decodes its header.
 *
 * @param limit most width × height × channels
 * @throws FileError for a file that is missing, too large or no image
 */
export async function readImage(path: string, limit: number): Promise<EncodedImage> {
  const bytes = await readImageFile(path, limit);
  const kind = imageKind(bytes);
  if (kind === undefined) throw notAnImage(path, bytes);
  return readHeader(bytes, kind, path, limit);
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

async function readHeader(
  bytes: Uint8Array,
  kind: string,
  name: string,
  limit: number,
): Promise<EncodedImage> {
  const sharp = await loadSharp();
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw damaged(name, kind, error);
    });
  const { width, height, channels, orientation = 1 } = header;
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
  // Orientations from 5 on lie on their side.
  const upright = orientation < 5 ? { width, height } : { width: height, height: width };
  return { name, kind, bytes, ...upright, options };
}

function damaged(name: string, kind: string, error: unknown): FileError {
  const reason = error instanceof Error ? error.message.trim().split('\n').join('; ') : String(error);
  return new FileError(name, `expected a whole ${kind} image; ${reason}`, { cause: error });
}

/**
 * All of an image, as {@link decodeImage} gives it.
 *
 * @throws FileError for a damaged image
 */
export async function decodeWhole({ bytes, options, name, kind }: EncodedImage): Promise<Pixels> {
  const sharp = await loadSharp();
  return toRgb(sharp(bytes, options)).catch((error: unknown) => {
    throw damaged(name, kind, error);
  });
}

/**
 * A part of an image in another size, resized as Pillow does it. Of a part more than twice as large as asked for, a JPEG is
 * decoded in a half, a quarter or an eighth of its size: sharp resizes it, which differs by a level or so, and the part
 * is cut at whole pixels of the result. Damage behind the part is not seen.
 *
 * @throws FileError for a damaged image
 */
export async function decodePart(
  { bytes, options, name, kind, ...whole }: EncodedImage,
  part: Box,
  { width, height }: { width: number; height: number },
  interpolation: Interpolation,
): Promise<Pixels> {
  const sharp = await loadSharp();
  const image = sharp(bytes, options);
  const decode = () =>
    toRgb(image).catch((error: unknown) => {
      throw damaged(name, kind, error);
    });
  if (kind !== 'JPEG' || part.width < 2 * width || part.height < 2 * height) {
    image.extract(part);
    return resizeImage(await decode(), width, height, interpolation);
  }
  const scaled = {
    width: Math.round((whole.width * width) / part.width),
    height: Math.round((whole.height * height) / part.height),
  };
  image
    .resize({ ...scaled, fit: 'fill', kernel: interpolation === 'bilinear' ? 'linear' : 'cubic' })
    .extract({
      left: Math.min(scaled.width - width, Math.round((part.left * width) / part.width)),
      top: Math.min(scaled.height - height, Math.round((part.top * height) / part.height)),
      width,
      height,
    });
  return decode();
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
