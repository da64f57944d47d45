import type { Recipe } from './config.ts';

const flipAndCrop = { flip: true, crop: 4 };
const inception = { flip: true, randomResizedCrop: {} };

/**
 * Recipes by name: those of the paper, of the networks it builds on, and of today. Each is plain data; a configuration
 * that names one may change any part of it. Where a source leaves something open, the comment says what was chosen.
 */
export const recipes = {
  /** The paper, section 5.1: ImageNet in steps of 1,024 images. Weight decay is that of ResNet. */
  'imagenet-paper': {
    epochs: 100,
    batchSize: 64,
    accumulate: 16,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
    schedule: { kind: 'steps', lr: 0.6, every: 30 },
    augment: inception,
  },
  /** The paper, section 6: the rate falls by 10 when the loss stays, three times. 256 images a step are assumed. */
  'imagenet-ablation': {
    epochs: 300,
    batchSize: 64,
    accumulate: 4,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
    schedule: { kind: 'reduceOnPlateau', lr: 0.1, minLr: 1e-4 },
    labelSmoothing: 0.1,
    augment: inception,
  },
  /** The paper, section 5.1: MobileNet and ShuffleNet. Weight decay is that of an earlier version of it. */
  mobile: {
    epochs: 400,
    batchSize: 64,
    accumulate: 4,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 4e-5 },
    schedule: { kind: 'reduceOnPlateau', lr: 0.1, minLr: 1e-4 },
    augment: inception,
  },
  /** SENet-154, the paper's appendix. Dropout 0.2 is part of the model. In how many epochs norms are frozen is assumed. */
  senet154: {
    epochs: 100,
    batchSize: 64,
    accumulate: 32,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
    frozenNormEpochs: 10,
    schedule: { kind: 'steps', lr: 1, every: 30 },
    labelSmoothing: 0.1,
    augment: inception,
  },
  /** Networks of ImageNet as they are trained today: AdamW, warm-up and cosine, mixup, averages of the weights. */
  modern: {
    epochs: 100,
    batchSize: 64,
    accumulate: 16,
    optimizer: { kind: 'adamw', weightDecay: 0.05 },
    schedule: { kind: 'cosine', lr: 1e-3, warmupEpochs: 5 },
    labelSmoothing: 0.1,
    clipNorm: 1,
    ema: { decay: 0.9999 },
    augment: { ...inception, mixup: 0.2 },
  },
  /** CIFAR ResNets (He et al. 2016): 64,000 steps of 128 images, a tenth of the rate from 32,000 and 48,000. */
  'cifar-resnet': {
    epochs: 164,
    batchSize: 128,
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
    schedule: { kind: 'steps', lr: 0.1, milestones: [82, 123] },
    augment: flipAndCrop,
  },
  /** Wide ResNets (Zagoruyko and Komodakis 2016). */
  'cifar-wide': {
    epochs: 200,
    batchSize: 128,
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
    schedule: { kind: 'steps', lr: 0.1, milestones: [60, 120, 160], factor: 0.2 },
    augment: flipAndCrop,
  },
  /** Shake-Shake (Gastaldi 2017) with cutout (DeVries and Taylor 2017). */
  'cifar-shake': {
    epochs: 1800,
    batchSize: 128,
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 1e-4 },
    schedule: { kind: 'cosine', lr: 0.2 },
    augment: { ...flipAndCrop, cutout: 16 },
  },
  /** Short runs on Fashion-MNIST. */
  'fashion-mnist': {
    epochs: 20,
    batchSize: 128,
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
    schedule: { kind: 'cosine', lr: 0.1, warmupEpochs: 1 },
    augment: { flip: true, crop: 2 },
  },
} as const satisfies Readonly<Record<string, Recipe>>;

/** A name of {@link recipes}. */
export type RecipeName = keyof typeof recipes;
