/**
 * Mixup (Zhang et al., arXiv 1710.09412): each image of a batch becomes lambda times itself plus 1 - lambda times the one
 * before it, the first one's being the last.
 *
 * @param images `[size, pixels]`, changed in place
 */
export function mixup(images: Float32Array, size: number, lambda: number): void {
  const pixels = images.length / size;
  const last = images.slice((size - 1) * pixels);
  for (let i = images.length - 1; i >= pixels; i--)
    images[i] = lambda * images[i]! + (1 - lambda) * images[i - pixels]!;
  for (let i = 0; i < pixels; i++) images[i] = lambda * images[i]! + (1 - lambda) * last[i]!;
}
