import { emptyLike, type Picture } from './picture.ts';

/**
 * Turns an image about its centre, counterclockwise, in its own size. Each pixel is the nearest one of the image, and
 * black outside it, torchvision's default.
 */
export function rotate(picture: Picture, degrees: number): Picture {
  const { data, height, width, channels } = picture;
  const turned = emptyLike(picture, height, width);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const centerY = (height - 1) / 2;
  const centerX = (width - 1) / 2;
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dy = y - centerY;
      const dx = x - centerX;
      const row = Math.round(centerY + sin * dx + cos * dy);
      const column = Math.round(centerX + cos * dx - sin * dy);
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      const from = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) turned.data[to++] = inside ? data[from + c]! : 0;
    }
  }
  return turned;
}
