/** An image `[height, width, channels]` before normalization. */
export interface Picture {
  readonly data: Uint8Array | Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A part of an image, in pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** An empty picture whose values are of the same kind. */
export function emptyLike(picture: Picture, height: number, width: number) {
  const length = height * width * picture.channels;
  const data = picture.data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  return { data, height, width, channels: picture.channels };
}

/** The values as the picture keeps them: bytes are rounded (halves to even) and kept in 0 to 255. */
export function stored(picture: Picture, values: Float32Array): Uint8Array | Float32Array {
  return picture.data instanceof Uint8Array ? new Uint8Array(new Uint8ClampedArray(values).buffer) : values;
}
