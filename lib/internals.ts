/**
 * What the benchmarks, the doctor and tests in processes of their own use beside what everybody can use. No part of the
 * package's exports: it changes without notice.
 */
export { cudaLibrary, cudnnCandidates } from './cuda.ts';
export { Device } from './device.ts';
export { differentiate } from './graph/autodiff.ts';
export { GraphBuilder } from './graph/builder.ts';
export { ABSENT, f32 } from './ir/graph.ts';
export { encodeGraph } from './ir/message.ts';
export { callNative } from './native.ts';
export { Program } from './program.ts';
export { Tensor } from './tensor.ts';
export { CheckpointFolder, checkCheckpoints, readCheckpoint } from './train/checkpoints.ts';
