/**
 * What a GPU can do at most, and the milliseconds that follow from it.
 *
 * Bandwidths are the makers' figures. Large 16-bit products reach some 80 % of the makers' operations a second, which
 * is what is counted with here: 800 of the 989 TFLOP/s of an H100 SXM.
 */
const peaks = [
  { name: /H100 80GB HBM3/, bandwidth: 3.35e12, flops: 8e14 },
  { name: /H100 NVL/, bandwidth: 3.9e12, flops: 6.7e14 },
  { name: /H100 PCIe/, bandwidth: 2e12, flops: 6e14 },
  { name: /H200/, bandwidth: 4.8e12, flops: 8e14 },
  { name: /A100.*80GB/, bandwidth: 1.94e12, flops: 2.5e14 },
  { name: /A100.*40GB/, bandwidth: 1.56e12, flops: 2.5e14 },
];
const [h100] = peaks;

/** The peak of a GPU by its description, an H100's for others; named figures come first. */
export function peakOf(description, { bandwidth, flops } = {}) {
  const known = peaks.find(({ name }) => name.test(description));
  const { bandwidth: ownBandwidth, flops: ownFlops } = known ?? h100;
  return {
    bandwidth: bandwidth ?? ownBandwidth,
    flops: flops ?? ownFlops,
    known: known !== undefined || (bandwidth !== undefined && flops !== undefined),
  };
}

/** The fewest milliseconds of a step: what its bytes or its operations take, whichever is more. */
export const floorOf = ({ bytes, flops }, peak) =>
  1000 * Math.max(bytes / peak.bandwidth, flops / peak.flops);

/**
 * Floors on paper for an H100 SXM, batch 256, 224 x 224 pixels, bfloat16. Convolutions, each by its bytes or its
 * operations: 4.00 ms forward, 3.98 and 4.00 ms for the two gradients. Passes of the norms' and blocks' tails over
 * maps, two forward and two backward for each: 55 GB, 16.4 ms. The optimizer: 0.6 GB, 0.2 ms. SE adds 0.06 % of the
 * operations and no pass. In inference all but the convolutions and the shortcuts' maps that they read is gone.
 */
const paper = {
  training: { se_resnet50: 28.6, resnet50: 28.6 },
  inference: { se_resnet50: 5.2, resnet50: 5.0 },
};

/** The paper's floor in milliseconds for a measured program; scaled by bandwidth for other GPUs, undefined for other sizes. */
export function paperFloor({ name, training, batch, size }, peak) {
  if (batch !== 256 || size !== 224) return undefined;
  return (paper[training ? 'training' : 'inference'][name] * h100.bandwidth) / peak.bandwidth;
}
