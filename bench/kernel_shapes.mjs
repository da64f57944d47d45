// The kernels of SE-ResNet-50 at 224x224, stride in the 1x1: each shape of a convolution once, forward and both gradients,
// and what stands between convolutions. A spec is plain data that every contender understands:
//
//   { kind: 'conv2d', direction: 'forward' | 'input' | 'filter', n, size, c, k, kernel, stride }
//   { kind: 'tail', direction: 'forward' | 'both', n, size, c, norm, se, identity }: relu(SE(BN(x)) + identity), any part of it
//   { kind: 'max_pool' | 'global_avg_pool', direction, n, size, c }, { kind: 'linear', direction, n, c, k }
//
// `flops` and `bytes` are the least that the operation needs: direct convolution, every map read or written once per pass.

/** Input size, channels, filters, kernel, stride. */
const CONVOLUTIONS = [
  [224, 3, 64, 7, 2],
  ...[
    [56, 64, 256, 1],
    [28, 128, 512, 2],
    [14, 256, 1024, 2],
    [7, 512, 2048, 2],
  ].flatMap(([size, width, wide, stride]) => {
    const before = stride === 1 ? width : wide / 2;
    return [
      [size * stride, before, width, 1, stride],
      [size * stride, before, wide, 1, stride],
      [size, width, width, 3, 1],
      [size, width, wide, 1, 1],
      [size, wide, width, 1, 1],
    ];
  }),
].filter((each, i, all) => all.findIndex((other) => `${other}` === `${each}`) === i);

const BYTES = 4;

function convolution(n, [size, c, k, kernel, stride], direction) {
  const out = size / stride;
  const flops = 2 * n * out * out * k * c * kernel * kernel;
  const bytes = BYTES * (n * size * size * c + n * out * out * k + k * c * kernel * kernel);
  const name = `conv ${kernel}x${kernel}${stride === 1 ? '' : ` stride ${stride}`}, ${size}x${size}, ${c} to ${k}, ${direction}`;
  return { kind: 'conv2d', name, direction, n, size, c, k, kernel, stride, flops, bytes };
}

const TITLES = { forward: 'forward', both: 'forward and backward' };

function tail(n, size, c, direction, parts) {
  const { norm, se, identity } = parts;
  // Forward: a pass that sums up, if norm or SE needs one, and one that applies. Backward: dy and x are read for sums,
  // then again to write dx; with an identity the first pass writes its gradient, which the second reads.
  const forward = 3 + (identity ? 1 : 0);
  const backward = identity ? 6 : 5;
  const maps = direction === 'both' ? forward + backward : forward;
  const inside = se ? (norm ? 'SE(BN(x))' : 'SE(x)') : 'BN(x)';
  const what = identity ? `relu(${inside} + identity)` : norm ? `relu(${inside})` : inside;
  const name = `${what}, ${size}x${size}x${c}, ${TITLES[direction]}`;
  return {
    kind: 'tail',
    name,
    direction,
    n,
    size,
    c,
    ...parts,
    flops: 0,
    bytes: BYTES * maps * n * size * size * c,
  };
}

function pool(n, kind, size, c, direction) {
  const out = kind === 'max_pool' ? size / 2 : 1;
  const maps = n * c * (size * size + out * out) * (direction === 'both' ? 2 : 1);
  const name = `${kind.replaceAll('_', ' ')}, ${size}x${size}x${c}, ${TITLES[direction]}`;
  return { kind, name, direction, n, size, c, flops: 0, bytes: BYTES * maps };
}

function linear(n, c, k, direction) {
  const times = direction === 'both' ? 3 : 1;
  const bytes = BYTES * times * (n * c + c * k + n * k);
  return {
    kind: 'linear',
    name: `FC, ${c} to ${k}, ${TITLES[direction]}`,
    direction,
    n,
    c,
    k,
    flops: 2 * times * n * c * k,
    bytes,
  };
}

/** The specs for so many images; `quick` has one of each kind, and smaller maps. */
export function kernelSpecs(n, quick) {
  const directions = ['forward', 'both'];
  const parts = {
    norm: { norm: true, se: false, identity: false },
    se: { norm: false, se: true, identity: false },
    tail: { norm: true, se: true, identity: true },
  };
  if (quick)
    return [
      ...['forward', 'input', 'filter'].map((direction) => convolution(n, [14, 64, 64, 3, 1], direction)),
      ...Object.values(parts).map((each) => tail(n, 14, 64, 'both', each)),
      ...['max_pool', 'global_avg_pool'].map((kind) => pool(n, kind, 14, 64, 'both')),
      linear(n, 64, 100, 'both'),
    ];
  return [
    ...CONVOLUTIONS.flatMap((shape) =>
      // No one needs the gradient of the images.
      (shape[1] === 3 ? ['forward', 'filter'] : ['forward', 'input', 'filter']).map((direction) =>
        convolution(n, shape, direction),
      ),
    ),
    ...directions.flatMap((direction) => [
      ...Object.values(parts).map((each) => tail(n, 56, 256, direction, each)),
      pool(n, 'max_pool', 112, 64, direction),
      pool(n, 'global_avg_pool', 7, 2048, direction),
      linear(n, 2048, 1000, direction),
    ]),
  ];
}
