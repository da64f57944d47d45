/**
 * Names that timm has for models of the zoo: a model with the options that make it the same network. State dicts have
 * timm's names, but for those of `legacy_` models, which have the names of their successors.
 */
import type { ModelBuildOptions } from './options.ts';
import type { ResnetName } from './resnet.ts';

/** What an alias stands for. */
export interface ModelAlias {
  readonly model: ResnetName;
  readonly options: ModelBuildOptions;
}

const modern = (model: ResnetName): ModelAlias => ({ model, options: { se: { rule: 'divisible8' } } });

/** Ported from Caffe: stem's pool and, of ResNets, the place of the stride; of SE blocks the default rule. */
const legacy = (model: ResnetName, options: ModelBuildOptions = {}): ModelAlias => ({
  model,
  options: { pool: 'ceil', ...options },
});

/** Basic blocks have a ReLU ahead of SE, too. */
const basic = (model: ResnetName): ModelAlias => legacy(model, { se: { placement: 'relu' } });

const caffe = (model: ResnetName): ModelAlias => legacy(model, { strideIn: '1x1' });

const families = {
  seresnet18: modern('se_resnet18'),
  seresnet34: modern('se_resnet34'),
  seresnet50: modern('se_resnet50'),
  seresnet101: modern('se_resnet101'),
  seresnet152: modern('se_resnet152'),
  seresnext50_32x4d: modern('se_resnext50_32x4d'),
  seresnext101_32x4d: modern('se_resnext101_32x4d'),
  seresnext101_32x8d: modern('se_resnext101_32x8d'),
  seresnext101_64x4d: modern('se_resnext101_64x4d'),
  legacy_seresnet18: basic('se_resnet18'),
  legacy_seresnet34: basic('se_resnet34'),
  legacy_seresnet50: caffe('se_resnet50'),
  legacy_seresnet101: caffe('se_resnet101'),
  legacy_seresnet152: caffe('se_resnet152'),
  legacy_seresnext26_32x4d: legacy('se_resnext26_32x4d'),
  legacy_seresnext50_32x4d: legacy('se_resnext50_32x4d'),
  legacy_seresnext101_32x4d: legacy('se_resnext101_32x4d'),
  legacy_senet154: legacy('senet154'),
} as const satisfies Readonly<Record<string, ModelAlias>>;

/** Names of the aliases. */
export type AliasName = keyof typeof families;

/** What each alias stands for. */
export const aliases: Readonly<Record<AliasName, ModelAlias>> = families;

/** An alias's options under those that are given. */
export const withPreset = (preset: ModelBuildOptions, given: ModelBuildOptions): ModelBuildOptions => ({
  ...preset,
  ...given,
  ...((preset.se ?? given.se) && { se: { ...preset.se, ...given.se } }),
});
