export type { DType } from './dtype.ts';
export {
  parseSafetensors,
  type ReadSafetensorsOptions,
  readSafetensors,
  type SafetensorsFile,
} from './safetensors_reader.ts';
export {
  serializeSafetensors,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './safetensors_writer.ts';
export { StoredTensor, type TensorData } from './stored_tensor.ts';
