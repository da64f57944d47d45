/** The messages of ONNX files, as far as networks of images need them; names are ONNX's own. */
import { blocks, bytes, float, int, type MessageOf, many, message, one, text } from './protobuf.ts';

const entry = { key: one(1, text), value: one(2, text) };

const tensor = {
  dims: many(1, int),
  dataType: one(2, int),
  floatData: blocks(4),
  int32Data: blocks(5),
  int64Data: blocks(7),
  name: one(8, text),
  rawData: one(9, bytes),
  externalData: many(13, message(entry)),
  dataLocation: one(14, int),
};

const attribute = {
  name: one(1, text),
  f: one(2, float),
  i: one(3, int),
  s: one(4, bytes),
  t: one(5, message(tensor)),
  floats: many(7, float),
  ints: many(8, int),
  type: one(20, int),
};

const node = {
  input: many(1, text),
  output: many(2, text),
  name: one(3, text),
  opType: one(4, text),
  attribute: many(5, message(attribute)),
  domain: one(7, text),
};

const dimension = { dimValue: one(1, int), dimParam: one(2, text) };
const tensorType = { elemType: one(1, int), shape: one(2, message({ dim: many(1, message(dimension)) })) };
const valueInfo = { name: one(1, text), type: one(2, message({ tensorType: one(1, message(tensorType)) })) };

const graph = {
  node: many(1, message(node)),
  name: one(2, text),
  initializer: many(5, message(tensor)),
  input: many(11, message(valueInfo)),
  output: many(12, message(valueInfo)),
  sparseInitializer: many(15, bytes),
};

const opset = { domain: one(1, text), version: one(2, int) };

/** A whole file. */
export const modelSchema = {
  irVersion: one(1, int),
  producerName: one(2, text),
  producerVersion: one(3, text),
  graph: one(7, message(graph)),
  opsetImport: many(8, message(opset)),
  metadataProps: many(14, message(entry)),
};

export type ModelMessage = MessageOf<typeof modelSchema>;
export type GraphMessage = MessageOf<typeof graph>;
export type NodeMessage = MessageOf<typeof node>;
export type AttributeMessage = MessageOf<typeof attribute>;
export type TensorMessage = MessageOf<typeof tensor>;
export type ValueInfoMessage = MessageOf<typeof valueInfo>;

/** Element types by their numbers. */
export const dataTypes = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  bfloat16: 16,
} as const;

/** Where the values of a tensor are. */
export const tensorLocations = { here: 0, external: 1 } as const;

/** Types of attributes by their numbers. */
export const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

/** The opsets that are read and written. */
export const opsets = { least: 11, most: 22 } as const;
