/** Damaged, lying and foreign image files, built by hand, and what must be said about each. */
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

export interface BadImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly message: RegExp;
}

const whole = /expected a whole (JPEG|PNG|WebP|GIF|TIFF|AVIF) image; ./;
const foreign = /expected a JPEG, PNG, WebP, GIF, TIFF or AVIF image, received ./;
const tooLarge = /expected at most \d+ for width x height x channels \(limitPixels\), received ./;

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

function chunk(type: string, data: Uint8Array, checksum?: number): Uint8Array {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(checksum ?? crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** A PNG whose header says what it is told to, whatever the pixels are. */
function png(
  width: number,
  height: number,
  pixels: Uint8Array,
  { depth = 8, kind = 2, interlace = 0, extra = [] as Uint8Array[] } = {},
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, kind, 0, 0, interlace], 8);
  return concat(
    ascii('\x89PNG\r\n\x1a\n'),
    chunk('IHDR', header),
    ...extra,
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', new Uint8Array()),
  );
}

/** Rows of zeros, each with its filter byte. */
const rows = (width: number, height: number): Uint8Array => new Uint8Array(height * (1 + 3 * width));

const cut = (bytes: Uint8Array, share: number): Uint8Array =>
  bytes.slice(0, Math.floor(bytes.length * share));

function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

/** Where the marker of a JPEG's frame is: two bytes of marker, two of length, one of depth, then height and width. */
const frameOf = (jpeg: Uint8Array): number =>
  jpeg.findIndex((byte, i) => byte === 0xff && (jpeg[i + 1] === 0xc0 || jpeg[i + 1] === 0xc2));

const width = 24;
const height = 20;
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 31 + i * 7) % 256);

/** Good files of each kind, to damage. */
export async function goodImages(): Promise<
  Record<'jpeg' | 'progressive' | 'png' | 'webp' | 'gif' | 'tiff', Uint8Array>
> {
  const image = () => sharp(pixels, { raw: { width, height, channels: 3 } });
  const [jpeg, progressive, pngFile, webp, gif, tiff] = await Promise.all([
    image().jpeg().toBuffer(),
    image().jpeg({ progressive: true }).toBuffer(),
    image().png().toBuffer(),
    image().webp().toBuffer(),
    image().gif().toBuffer(),
    image().tiff({ compression: 'none' }).toBuffer(),
  ]);
  // Plain arrays: a Buffer's slice is no copy.
  const plain = (file: Uint8Array) => new Uint8Array(file);
  return {
    jpeg: plain(jpeg),
    progressive: plain(progressive),
    png: plain(pngFile),
    webp: plain(webp),
    gif: plain(gif),
    tiff: plain(tiff),
  };
}

export async function badImages(): Promise<BadImage[]> {
  const good = await goodImages();
  const { jpeg, progressive, webp, gif, tiff } = good;
  const small = png(4, 4, rows(4, 4));
  const palette = chunk('PLTE', Uint8Array.of(0, 0, 0));
  const list: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /received an empty file/],
    ['one byte', Uint8Array.of(0xff), foreign],
    ['text', ascii('this is no image'), foreign],
    ['a drawing', ascii('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), foreign],
    ['a PDF', ascii('%PDF-1.7\n'), foreign],
    ['a bitmap', ascii('BM\x3a\0\0\0\0\0\0\0\x36\0\0\0'), foreign],
    ['zeros', new Uint8Array(4096), foreign],
    ['JPEG, first bytes changed', changed(jpeg, 0, 0xfe), foreign],
    ['JPEG, its signature alone', jpeg.slice(0, 3), whole],
    ['JPEG, cut in its header', jpeg.slice(0, 30), whole],
    ['JPEG, cut in its pixels', cut(jpeg, 0.7), whole],
    ['progressive JPEG, cut', cut(progressive, 0.6), whole],
    ['JPEG of height 0', changed(jpeg, frameOf(jpeg) + 5, 0, 0), whole],
    ['JPEG of width 0', changed(jpeg, frameOf(jpeg) + 7, 0, 0), whole],
    ['JPEG of 65500 x 65500', changed(jpeg, frameOf(jpeg) + 5, 0xff, 0xdc, 0xff, 0xdc), tooLarge],
    ['JPEG of 7 components', changed(jpeg, frameOf(jpeg) + 9, 7), whole],
    ['PNG, its signature alone', small.slice(0, 8), whole],
    ['PNG, cut in its header', small.slice(0, 20), whole],
    ['PNG, cut in its pixels', cut(good.png, 0.5), whole],
    ['PNG of width 0', png(0, 4, rows(4, 4)), whole],
    ['PNG of 65535 x 65535', png(65535, 65535, rows(4, 4)), tooLarge],
    ['PNG of 2^31 - 1 in a row', png(2 ** 31 - 1, 1, rows(4, 4)), /limitPixels|whole PNG/],
    ['PNG of 2^32 - 1 in a row', png(2 ** 32 - 1, 1, rows(4, 4)), whole],
    ['PNG with fewer pixels than it says', png(4, 400, rows(4, 4)), whole],
    ['PNG of 3 bits', png(4, 4, rows(4, 4), { depth: 3 }), whole],
    ['PNG of a kind that is none', png(4, 4, rows(4, 4), { kind: 5 }), whole],
    ['PNG without its palette', png(4, 4, new Uint8Array(20), { kind: 3 }), whole],
    ['PNG with two headers', png(4, 4, rows(4, 4), { extra: [small.slice(8, 33), palette] }), whole],
    ['PNG whose header has a wrong checksum', changed(small, 29, 1, 2, 3, 4), whole],
    ['PNG whose pixels are no zlib stream', changed(small, 41, 0xff, 0xff, 0xff, 0xff), whole],
    ['WebP, cut in its header', webp.slice(0, 20), whole],
    ['WebP, cut in its pixels', cut(webp, 0.6), whole],
    ['WebP, another RIFF file', changed(webp, 8, ...ascii('WAVE')), foreign],
    ['GIF, its signature alone', gif.slice(0, 6), whole],
    ['GIF, cut in its pixels', cut(gif, 0.9), whole],
    ['TIFF, its signature alone', tiff.slice(0, 8), whole],
    ['TIFF, cut', cut(tiff, 0.5), whole],
    ['TIFF, whose directory is nowhere', changed(tiff, 4, 0xff, 0xff, 0xff, 0x7f), whole],
    ['AVIF, its signature alone', ascii('\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf'), whole],
  ];
  return list.map(([name, bytes, message]) => ({ name, bytes, message }));
}
