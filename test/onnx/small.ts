/** A small file with most operators, and ways to change it. */
import {
  add,
  avgPool,
  batchNorm,
  channelShuffle,
  channelSlice,
  concat,
  conv2d,
  defineModel,
  type FeatureMap,
  flatten,
  globalAvgPool,
  linear,
  maxPool,
  normTail,
  pad,
  relu,
  squeezeExcite,
} from '../../lib/layers/index.ts';
import { Budget, decode, encode } from '../../lib/onnx/protobuf.ts';
import {
  type AttributeMessage,
  type GraphMessage,
  type ModelMessage,
  modelSchema,
  type NodeMessage,
  type TensorMessage,
  tensorLocations,
} from '../../lib/onnx/schema.ts';
import { onnxBytes, randomWeights } from './models.ts';

const definition = defineModel({ input: [7, 6, 2] }, (images) => {
  const stem = normTail(conv2d(images, { filters: 6, kernel: 3, bias: false }), {
    squeezeExcite: { reduction: 2 },
  });
  let x: FeatureMap = maxPool(relu(batchNorm(stem)), { kernel: 3, stride: 2, padding: 1 });
  x = add(x, squeezeExcite(channelShuffle(x, { groups: 3 }), { gate: 'tanh', reduction: 3 }));
  x = concat([
    channelSlice(x, { start: 0, end: 2 }),
    avgPool(pad(x, { padding: [1, -1, 0, 0] }), { kernel: 2, stride: 1, padding: [0, 1, 0, 1] }),
  ]);
  return linear(concat([globalAvgPool(x), flatten(x)]), { units: 3, name: 'fc' });
});

/** The file's bytes. */
export const smallFile = (): Uint8Array => onnxBytes(definition, randomWeights(definition));

/** The file as a message. */
export const smallMessage = (): ModelMessage => decode(modelSchema, smallFile(), new Budget());

export const toBytes = (message: ModelMessage): Uint8Array =>
  new Uint8Array(Buffer.concat(encode(modelSchema, message).chunks));

/** The message with another graph. */
export function withGraph(change: (graph: GraphMessage) => Partial<GraphMessage>): ModelMessage {
  const message = smallMessage();
  return { ...message, graph: { ...message.graph!, ...change(message.graph!) } };
}

/** The message with the first node of an operator changed. */
export const withNode = (opType: string, change: (node: NodeMessage) => Partial<NodeMessage>): ModelMessage =>
  withGraph(({ node }) => {
    const at = node.findIndex((n) => n.opType === opType);
    return { node: node.map((n, i) => (i === at ? { ...n, ...change(n) } : n)) };
  });

/** The message with an attribute of the first node of an operator changed. */
export const withAttribute = (
  opType: string,
  name: string,
  change: Partial<AttributeMessage>,
): ModelMessage =>
  withNode(opType, ({ attribute }) => ({
    attribute: attribute.map((a) => (a.name === name ? { ...a, ...change } : a)),
  }));

/** The message with one tensor changed. */
export const withTensor = (name: string, change: Partial<TensorMessage>): ModelMessage =>
  withGraph(({ initializer }) => ({
    initializer: initializer.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor)),
  }));

/** The message with the values of its larger tensors in another file, and that file's content. */
export function withExternalData(location: string): { message: ModelMessage; data: Uint8Array } {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  const message = withGraph(({ initializer }) => ({
    initializer: initializer.map((tensor) => {
      const { rawData } = tensor;
      if (rawData === undefined || rawData.byteLength < 64) return tensor;
      const padded = new Uint8Array(Math.ceil(rawData.byteLength / 64) * 64);
      padded.set(rawData);
      pieces.push(padded);
      const entries = { location, offset: String(offset), length: String(rawData.byteLength) };
      offset += padded.byteLength;
      return {
        ...tensor,
        rawData: undefined,
        dataLocation: tensorLocations.external,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      };
    }),
  }));
  return { message, data: new Uint8Array(Buffer.concat(pieces)) };
}
