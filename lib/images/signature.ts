/** Tells image files apart by their first bytes. */

/** Bytes that {@link imageKind} looks at. */
export const signatureBytes = 16;

const text = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

/** The kind of an image file by its first bytes, whatever its name says; undefined if it is none of those known. */
export function imageKind(bytes: Uint8Array): string | undefined {
  const start = text(bytes, 0, 8);
  if (start.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (start === '\x89PNG\r\n\x1a\n') return 'PNG';
  if (start.startsWith('RIFF') && text(bytes, 8, 12) === 'WEBP') return 'WebP';
  if (/^GIF8[79]a/.test(start)) return 'GIF';
  if (/^(II\*\0|MM\0\*|II\+\0|MM\0\+)/.test(start)) return 'TIFF';
  if (text(bytes, 4, 8) === 'ftyp' && /^(avif|avis|mif1|msf1)$/.test(text(bytes, 8, 12))) return 'AVIF';
  return undefined;
}
