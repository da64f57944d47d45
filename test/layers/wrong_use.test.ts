/** Wrong arguments and shapes: each is a TypeError or RangeError that names what is wrong, at once, and nothing is lost. */
import { describe, expect, test } from 'vitest';
import { isSenetError } from '../../lib/errors.ts';
import {
  add,
  avgPool,
  basicBlock,
  batchNorm,
  bottleneck,
  buildModel,
  channelShuffle,
  channelSlice,
  concat,
  conv2d,
  createModel,
  crossEntropy,
  defineModel,
  dropout,
  type FeatureMap,
  type FeatureVector,
  flatten,
  globalAvgPool,
  globalMaxPool,
  ImageDataset,
  linear,
  Model,
  maxPool,
  multiply,
  normActivation,
  normTail,
  pad,
  relu,
  schedules,
  scope,
  sgd,
  squeezeExcite,
} from '../../lib/index.ts';

const wrong = <T>(value: unknown): T => value as T;

/** Describes a network around one call; images are 8x8 with 6 channels. */
function build(body: (map: FeatureMap<6>, vector: FeatureVector<6>) => unknown): void {
  defineModel({ input: [8, 8, 6] }, (map) => {
    body(map, globalAvgPool(map));
    return linear(globalAvgPool(map), { units: 2 });
  });
}

/** Runs a call that must fail; checks the error's class, and that its message says what and what it received. */
function expectRefusal(call: () => unknown): void {
  let error: unknown;
  const started = performance.now();
  try {
    call();
  } catch (caught) {
    error = caught;
  }
  expect(performance.now() - started).toBeLessThan(500);
  expect(isSenetError(error), `expected one of senet's errors, received ${String(error)}`).toBe(true);
  expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true);
  expect((error as Error).message).toMatch(/^[\w.[\]]+: .*(expected|the first|unknown|is no)/);
}

const junk: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['NaN', Number.NaN],
  ['-1', -1],
  ['1.5', 1.5],
  ['2^53', 2 ** 53],
  ['Infinity', Number.POSITIVE_INFINITY],
  ["''", ''],
  ["'3'", '3'],
  ['{}', {}],
  ['a symbol', Symbol('s')],
  ['a bigint', 3n],
  ['a function', () => 3],
  ['true', true],
  ['an object that has no text', Object.create(null)],
];

type Call = (value: unknown) => unknown;
const wholeOptions: Record<string, Call> = {
  'conv2d filters': (v) => build((x) => conv2d(x, { filters: wrong<number>(v), kernel: 3 })),
  'conv2d kernel': (v) => build((x) => conv2d(x, { filters: 6, kernel: wrong(v) })),
  'conv2d stride': (v) => v === null || build((x) => conv2d(x, { filters: 6, kernel: 3, stride: wrong(v) })),
  'conv2d dilation': (v) =>
    v === null || build((x) => conv2d(x, { filters: 6, kernel: 3, dilation: wrong(v) })),
  'conv2d groups': (v) => v === null || build((x) => conv2d(x, { filters: 6, kernel: 3, groups: wrong(v) })),
  'conv2d padding': (v) =>
    v === null || build((x) => conv2d(x, { filters: 6, kernel: 3, padding: wrong(v) })),
  'linear units': (v) => build((_, y) => linear(y, { units: wrong<number>(v) })),
  'maxPool kernel': (v) => build((x) => maxPool(x, { kernel: wrong(v) })),
  'avgPool kernel': (v) => build((x) => avgPool(x, { kernel: wrong(v) })),
  'squeezeExcite reduction': (v) => v === null || build((x) => squeezeExcite(x, { reduction: wrong(v) })),
  'pad padding': (v) => build((x) => pad(x, { padding: wrong(v) })),
  'pad side': (v) => build((x) => pad(x, { padding: [0, wrong<number>(v), 0, 0] })),
  'channelShuffle groups': (v) => build((x) => channelShuffle(x, { groups: wrong(v) })),
  'channelSlice end': (v) => build((x) => channelSlice(x, { start: 0, end: wrong(v) })),
  'dropout rate': (v) => build((x) => dropout(x, { rate: wrong(v) })),
  'basicBlock filters': (v) => build((x) => basicBlock(x, { filters: wrong<number>(v) })),
  'bottleneck filters': (v) => build((x) => bottleneck(x, { filters: wrong<number>(v) })),
  'defineModel height': (v) =>
    defineModel({ input: wrong<[number, number, number]>([v, 8, 3]) }, (x) =>
      linear(globalAvgPool(x), { units: 2 }),
    ),
  'model classes': (v) => v === null || createModel('resnet20', { classes: wrong(v) }),
  'model seed': (v) => v === null || createModel('resnet20', { seed: wrong(v) }),
  'sgd momentum': (v) => v === null || sgd({ momentum: wrong(v) }),
  'crossEntropy smoothing': (v) => v === null || crossEntropy({ labelSmoothing: wrong(v) }),
  'cosine lr': (v) => schedules.cosine({ lr: wrong(v) }),
  'plateau patience': (v) => v === null || schedules.reduceOnPlateau({ lr: 1, patience: wrong(v) }),
};
/** A missing option, and numbers that some options allow. */
const allowed = new Set(
  [
    ...['conv2d stride', 'conv2d dilation', 'conv2d groups', 'conv2d padding', 'squeezeExcite reduction'],
    ...['model classes', 'model seed', 'sgd momentum', 'crossEntropy smoothing', 'plateau patience'],
  ].map((name) => `${name} null`),
);
for (const name of ['cosine lr 1.5', 'cosine lr 2^53', 'pad side -1']) allowed.add(name);

const optionCases = Object.entries(wholeOptions).flatMap(([name, call]) =>
  junk
    .map(([label, value]) => [`${name} ${label}`, () => call(value)] as const)
    .filter(([label]) => !allowed.has(label)),
);

const features: Record<string, (x: never) => unknown> = {
  conv2d: (x) => conv2d(x, { filters: 6, kernel: 3 }),
  linear: (x) => linear(x, { units: 2 }),
  batchNorm: (x) => batchNorm(x),
  relu: (x) => relu(x),
  maxPool: (x) => maxPool(x, { kernel: 2 }),
  avgPool: (x) => avgPool(x, { kernel: 2 }),
  pad: (x) => pad(x, { padding: [1, 1, 1, 1] }),
  globalAvgPool: (x) => globalAvgPool(x),
  globalMaxPool: (x) => globalMaxPool(x),
  flatten: (x) => flatten(x),
  squeezeExcite: (x) => squeezeExcite(x),
  normActivation: (x) => normActivation(x),
  normTail: (x) => normTail(x),
  dropout: (x) => dropout(x, { rate: 0.5 }),
  channelShuffle: (x) => channelShuffle(x, { groups: 2 }),
  add: (x) => add(x, x),
  multiply: (x) => multiply(x, x),
  basicBlock: (x) => basicBlock(x, { filters: 6 }),
  bottleneck: (x) => bottleneck(x, { filters: 8 }),
};
const featureCases = Object.entries(features).flatMap(([name, call]) =>
  junk
    .filter(([label]) => label !== 'a symbol')
    .map(([label, value]) => [`${name}(${label})`, () => call(wrong(value))] as const),
);

/** Values that are no options object; left out, each of these options has a meaning. */
const noOptions: Record<string, Call> = {
  'basicBlock se': (v) => build((x) => basicBlock(x, { filters: 6, se: wrong(v) })),
  'bottleneck se': (v) => build((x) => bottleneck(x, { filters: 8, se: wrong(v) })),
  'normActivation squeezeExcite': (v) => build((x) => normActivation(x, { squeezeExcite: wrong(v) })),
  'normTail squeezeExcite': (v) => build((x) => normTail(x, { squeezeExcite: wrong(v) })),
  'se_resnet20 se': (v) => buildModel('se_resnet20', { se: wrong(v) }),
  'defineModel config': (v) =>
    defineModel({ input: [8, 8, 6], config: wrong(v) }, (x) => linear(globalAvgPool(x), { units: 2 })),
};
const noOptionsCases = Object.entries(noOptions).flatMap(([name, call]) =>
  [false, true, null, 0, '', 'yes', []].map(
    (value) => [`${name} ${JSON.stringify(value)}`, () => call(value)] as const,
  ),
);

/** A map of a network that is described elsewhere, with the place in the graph that `x` could have here. */
function stranger(): FeatureMap<6> {
  const maps: FeatureMap<6>[] = [];
  build((x) => maps.push(x));
  return maps[0]!;
}

describe('bad arguments', () => {
  test('there are at least 200', () => {
    expect(optionCases.length + featureCases.length).toBeGreaterThanOrEqual(200);
  });
  test.each(optionCases)('%s', (_, call) => expectRefusal(call));
  test.each(featureCases)('%s', (_, call) => expectRefusal(call));
  test.each(noOptionsCases)('%s', (_, call) => expectRefusal(call));

  test.each([
    [
      'conv2d',
      () =>
        build((x) =>
          conv2d(x, wrong<{ filters: number; kernel: number }>({ filters: 6, kernel: 3, strides: 2 })),
        ),
    ],
    ['squeezeExcite', () => build((x) => squeezeExcite(x, wrong({ ratio: 2 })))],
    ['sgd', () => sgd(wrong({ lr: 0.1 }))],
    ['model', () => new Model(createModel('resnet20').definition, wrong({ sead: 1 }))],
  ])('%s refuses options that it does not have', (_, call) => expectRefusal(call));

  test.each([
    ['squeeze', () => build((x) => squeezeExcite(x, { squeeze: wrong('mean') }))],
    ['gate', () => build((x) => squeezeExcite(x, { gate: wrong('softmax') }))],
    ['hidden', () => build((x) => squeezeExcite(x, { hidden: wrong('tanh') }))],
    ['rule', () => build((x) => squeezeExcite(x, { rule: wrong('ceil') }))],
    [
      'a squeeze that a tail does not have',
      () => build((x) => normTail(x, { squeezeExcite: wrong({ squeeze: 'max' }) })),
    ],
    [
      'a maximum in a normActivation',
      () => build((x) => normActivation(x, { squeezeExcite: wrong({ squeeze: 'max' }) })),
    ],
    ['activation', () => build((x) => normActivation(x, { activation: wrong('softmax') }))],
    ['the identity of another model', () => build((x) => normTail(x, { identity: stranger() }))],
    ['a summand of another model', () => build((x) => add(x, stranger()))],
    ['a gate of another model', () => build((x) => multiply(x, globalAvgPool(stranger())))],
    ['a part of another model', () => build((x) => concat([x, stranger()]))],
    ['a norm for no identity', () => build((x) => normTail(x, { identityNorm: 'shortcut' }))],
    ['a scope without a body', () => build((x) => scope(x, 'a', wrong(null)))],
    [
      'a name that is none',
      () => defineModel({ input: [8, 8, 6], name: wrong(3) }, (x) => linear(globalAvgPool(x), { units: 2 })),
    ],
    [
      'a name given twice',
      () => build((x) => [relu(batchNorm(x, { name: 'a' })), batchNorm(x, { name: 'a' })]),
    ],
    ['steps without milestones', () => schedules.steps({ lr: 1 })],
    ['milestones that fall', () => schedules.steps({ lr: 1, milestones: [5, 3] })],
    [
      'a dataset of other labels',
      () =>
        new ImageDataset({
          images: new Uint8Array(12),
          labels: new Uint8Array(2),
          shape: [2, 2, 1],
          classes: 2,
        }),
    ],
  ])('%s', (_, call) => expectRefusal(call));
});

test.each([
  ['filters', (x: FeatureMap<6>) => basicBlock(x, { filters: wrong<number>('6'), name: 'b' })],
  ['stride', (x: FeatureMap<6>) => basicBlock(x, { filters: 6, stride: 0, name: 'b' })],
  ['width', (x: FeatureMap<6>) => bottleneck(x, { filters: 6, name: 'b' })],
  ['strideIn', (x: FeatureMap<6>) => bottleneck(x, { filters: 8, strideIn: wrong('2x2'), name: 'b' })],
  ['countIncludePad', (x: FeatureMap<6>) => avgPool(x, { kernel: 2, countIncludePad: wrong(1), name: 'b' })],
])('messages name the layer in full: %s', (option, body) => {
  expect(() => build((x) => scope(x, 'stage', body))).toThrow(`stage.b: ${option}: expected`);
});

/** Every pair of different sizes, of maps made by a convolution. */
const sizes = [
  [8, 4],
  [8, 6],
  [4, 6],
  [4, 16],
  [2, 4],
  [1, 12],
  [2, 8],
] as const;
const mapOf = (x: FeatureMap, [side, channels]: readonly [number, number]): FeatureMap =>
  conv2d(x, { filters: channels, kernel: 1, stride: 8 / side, padding: 'valid' });

const pairs = sizes.flatMap((a) => sizes.filter((b) => a !== b).map((b) => [a, b] as const));
const shapeCases: (readonly [string, () => unknown])[] = [
  ...pairs.flatMap(([a, b]) => [
    [`add ${a} ${b}`, () => build((x) => add(mapOf(x, a), mapOf(x, b)))] as const,
    [`multiply ${a} ${b}`, () => build((x) => multiply(mapOf(x, a), mapOf(x, b)))] as const,
    [`normTail ${a} ${b}`, () => build((x) => normTail(mapOf(x, a), { identity: mapOf(x, b) }))] as const,
  ]),
  ...pairs
    .filter(([a, b]) => a[0] !== b[0])
    .map(([a, b]) => [`concat ${a} ${b}`, () => build((x) => concat([mapOf(x, a), mapOf(x, b)]))] as const),
  ...[9, 12, 20, 100].flatMap((kernel) => [
    [
      `conv2d kernel ${kernel}`,
      () => build((x) => conv2d(x, { filters: 6, kernel, padding: 'valid' })),
    ] as const,
    [`maxPool kernel ${kernel}`, () => build((x) => maxPool(x, { kernel }))] as const,
    [`avgPool kernel ${kernel}`, () => build((x) => avgPool(x, { kernel }))] as const,
    [
      `dilation ${kernel}`,
      () => build((x) => conv2d(x, { filters: 6, kernel: 2, dilation: kernel, padding: 'valid' })),
    ] as const,
  ]),
  ...[4, 5, 7, 8, 12].flatMap((groups) => [
    [
      `conv2d groups ${groups}`,
      () => build((x) => conv2d(x, { filters: 8 * 7 * 5, kernel: 1, groups })),
    ] as const,
    [`channelShuffle groups ${groups}`, () => build((x) => channelShuffle(x, { groups }))] as const,
  ]),
  ...[1, 2, 3, 8].flatMap((pad) => [
    [
      `maxPool padding ${pad} of kernel 1`,
      () => build((x) => maxPool(x, { kernel: 1, padding: pad })),
    ] as const,
    [
      `avgPool padding ${pad} of kernel 1`,
      () => build((x) => avgPool(x, { kernel: 1, padding: pad })),
    ] as const,
  ]),
  ...[
    [-8, 0, 0, 0],
    [-3, -5, 1, 1],
    [1, 1, 0, -8],
    [2, 3, -9, 1],
    [0, 0, 0],
  ].map((padding) => [`pad by ${padding}`, () => build((x) => pad(x, { padding: wrong(padding) }))] as const),
  ...[7, 8, 100].flatMap((end) => [
    [`channelSlice to ${end}`, () => build((x) => channelSlice(x, { start: 0, end }))] as const,
    [`channelSlice from ${end}`, () => build((x) => channelSlice(x, { start: end, end: 6 }))] as const,
  ]),
  ...sizes.flatMap((a) =>
    sizes
      .filter((b) => a[1] !== b[1])
      .map(
        (b) =>
          [
            `gate ${a} by ${b}`,
            () => build((x) => multiply(mapOf(x, a), globalAvgPool(mapOf(x, b)))),
          ] as const,
      ),
  ),
  ['a vector and a map', () => build((x, y) => add(wrong<FeatureMap>(x), wrong<FeatureMap>(y)))],
  ['concat of a vector and a map', () => build((x, y) => concat<FeatureMap | FeatureVector>([x, y]))],
  [
    'logits of one class',
    () => defineModel({ input: [8, 8, 3] }, (x) => linear(globalAvgPool(x), { units: 1 })),
  ],
  ['a pool of 16x16 cells', () => build((x) => maxPool(x, { kernel: 16, padding: 8 }))],
];

describe('bad shapes', () => {
  test('there are at least 200', () => {
    expect(shapeCases.length).toBeGreaterThanOrEqual(200);
  });
  test.each(shapeCases)('%s', (_, call) => expectRefusal(call));
});
