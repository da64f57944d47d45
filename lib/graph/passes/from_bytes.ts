import { f32, type Graph, u8 } from '../../ir/graph.ts';
import { GraphBuilder } from '../builder.ts';
import { replay } from '../rewrite.ts';

/** Name of the input that says what bytes stand for. */
export const BYTE_TABLE = 'images.table';

/** The graph with bytes for images, and a table of what they stand for, `[channels, 256]`. */
export function fromBytes(graph: Graph): Graph {
  const images = graph.values.find(({ name, kind }) => kind === 'input' && name === 'images')!;
  const builder = new GraphBuilder();
  builder.layer = 'images';
  const bytes = builder.input('images', u8(...images.shape));
  const table = builder.input(BYTE_TABLE, f32(256 * images.shape.at(-1)!));
  const normalized = builder.emit('normalise_pixels', [bytes, table])[0]!;
  const map = replay(
    graph,
    builder,
    ({ node, inputs }) => {
      if (!node.inputs.includes(images.id)) return undefined;
      const fed = inputs.map((id, i) => (node.inputs[i] === images.id ? normalized : id));
      return builder.emit(node.op, fed, node.attributes);
    },
    { keep: ({ id }) => id !== images.id },
  );
  return builder.finish(graph.outputs.map((id) => map[id]!));
}
