/**
 * Squeeze-and-Excitation networks at native speed in Node.js.
 *
 * @packageDocumentation
 */

export { createModel } from './create_model.ts';
export type { Augmentation } from './data/augment/augmentation.ts';
export type { ColorJitter } from './data/augment/color_jitter.ts';
export type { RandomErasing } from './data/augment/random_erasing.ts';
export type { RandomResizedCrop } from './data/augment/resized_crop.ts';
export { type Batch, floatImages, type PreparedImages } from './data/batch.ts';
export { type Cifar10Options, type Cifar100Options, cifar10, cifar100 } from './data/cifar.ts';
export { cifar10Classes, cifar100Classes, cifar100CoarseClasses } from './data/cifar_classes.ts';
export type { BatchOptions } from './data/dataset.ts';
export { ImageDataset } from './data/dataset.ts';
export type { ImageDatasetOptions } from './data/dataset_options.ts';
export { type FashionMnistOptions, fashionMnist, fashionMnistClasses } from './data/fashion_mnist.ts';
export { imagenetClasses } from './data/imagenet_classes.ts';
export { type MnistOptions, mnist, mnistClasses } from './data/mnist.ts';
export type { Normalization } from './data/normalization.ts';
export type { Batches, BatchProvider, BatchSource } from './data/source.ts';
export { type Guess, topK } from './data/top_k.ts';
export {
  type DeviceInfo,
  type DeviceName,
  type DeviceOptions,
  listDevices,
  liveNativeObjects,
  type Precision,
} from './device.ts';
export { type Ensemble, ensemble } from './ensemble.ts';
export * from './errors.ts';
export type { CaptureOptions, ClassExcitations, Excitations, GateStatistics } from './excitations.ts';
export { type ConfusionFigureOptions, confusionFigure } from './figures/confusion.ts';
export { type ExcitationFigureOptions, excitationFigure } from './figures/excitations.ts';
export { formatTable } from './figures/format_table.ts';
export type { GatedBlock } from './graph/excitation_graph.ts';
export type { ClassifierOutput } from './graph/programs.ts';
export type { BrokenFile, FolderDataset } from './images/folder_dataset.ts';
export type { ImageSource, RawImage } from './images/image.ts';
export {
  type ImageFolder,
  type ImageFolderOptions,
  imageFolder,
} from './images/image_folder.ts';
export type { ImageOptions } from './images/predict.ts';
export { fitPreprocessing, type Preprocessing, preprocessings } from './images/preprocessing.ts';
export { type PreviewOptions, previewData } from './images/preview.ts';
export type { Interpolation } from './images/resize.ts';
export type { DType as StoredDType } from './io/dtype.ts';
export { type OpenWeightsOptions, openWeights } from './io/open_weights.ts';
export { StoredTensor, type TensorData } from './io/stored_tensor.ts';
export type { WeightFile, WeightFormat } from './io/weight_file.ts';
export type { WeightTensor } from './io/weight_tensor.ts';
export type {
  Attributes,
  AttributeValue,
  DType,
  Graph,
  Node,
  TensorType,
  Value,
  ValueKind,
} from './ir/graph.ts';
export * from './layers/index.ts';
export { type LivePage, type LivePageOptions, livePage } from './live/live_page.ts';
export type { WatchedRun } from './live/watch.ts';
export { Model } from './model.ts';
export type {
  CompileOptions,
  EmaOptions,
  EvaluateOptions,
  Evaluation,
  FitOptions,
  ModelOptions,
  PredictOptions,
  ProfileOptions,
  TrainBatchOptions,
} from './model_options.ts';
export * from './models/index.ts';
export {
  type ExportOnnxOptions,
  exportOnnx,
  type ImportOnnxOptions,
  importOnnx,
  type OnnxSource,
} from './onnx.ts';
export type { PredictInput } from './prediction.ts';
export { h100, measurePeak, type Peak } from './profile/peak.ts';
export { type FormatProfileOptions, formatProfile } from './profile/profile_table.ts';
export { type ProfileTrace, profileTrace, type TraceEvent } from './profile/profile_trace.ts';
export type { StepProfile } from './program.ts';
export {
  type AblateOptions,
  ablate,
  ablations,
  type Variant,
  type VariantResult,
} from './runs/ablate.ts';
export {
  checkRunConfig,
  datasetNames,
  type PlainOptions,
  type Recipe,
  type RunConfig,
} from './runs/config.ts';
export { type LoadedRun, type LoadRunOptions, loadRun } from './runs/load_run.ts';
export { type PreparedRun, prepareRun } from './runs/prepare.ts';
export { listRuns, type RunRecord, readRun, runFiles } from './runs/read_run.ts';
export { type RecipeName, recipes } from './runs/recipes.ts';
export { runsPage } from './runs/runs_page.ts';
export type { Sample } from './runs/statistics.ts';
export { type TrainRunOptions, trainRun } from './runs/train_run.ts';
export type {
  Callback,
  EpochLogs,
  History,
  Json,
  Metrics,
  Resumed,
  StepLogs,
  ValidationBatch,
  Verdict,
} from './train/callbacks.ts';
export type { CheckpointOptions } from './train/checkpoints.ts';
export { type EarlyStoppingOptions, earlyStopping } from './train/early_stopping.ts';
export { jsonLines } from './train/json_lines.ts';
export { crossEntropy, type Loss } from './train/loss.ts';
export type { Monitor } from './train/monitor.ts';
export {
  type AdamW,
  type AdamWOptions,
  adamw,
  type Optimizer,
  type Sgd,
  type SgdOptions,
  sgd,
} from './train/optimizer.ts';
export type { ParameterGroup } from './train/parameters.ts';
export {
  type ConfusionCount,
  type Mistake,
  type PredictionReport,
  type Predictions,
  predictionReport,
} from './train/prediction_report.ts';
export { progress } from './train/progress.ts';
export {
  type Moment,
  type RunningSchedule,
  type Schedule,
  schedules,
  type Warmup,
} from './train/schedules.ts';
export { tensorBoard } from './train/tensorboard.ts';
export {
  type LoadFileOptions,
  type LoadFileResult,
  type ReadStateDictOptions,
  readStateDict,
  type WriteStateDictOptions,
  writeStateDict,
} from './weight_files/files.ts';
export type { KeyLayout } from './weight_files/key_maps.ts';
export type { LoadOptions, LoadResult } from './weight_files/match.ts';
export type { StateDict, StateTensor } from './weight_files/state_dict.ts';
export type { WeightsKind, WeightsOptions } from './weights_kind.ts';
