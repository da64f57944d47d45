/** The convolutions of models as the lines that the planning driver reads (dnn.h's to_string() writes the same). */
import { ABSENT, type Node, sizeOf } from '../../../lib/ir/graph.ts';
import { buildModel, type ModelName } from '../../../lib/models/index.ts';

/** How maps are stored and products computed. */
export type Precision = 'float32' | 'float32 tf32' | 'float16' | 'bfloat16';
export const precisions: readonly Precision[] = ['float32', 'float32 tf32', 'float16', 'bfloat16'];

export type Direction = 'forward' | 'grad_input' | 'grad_weight';

/** One computation; `sizes` is all of its line but the direction and the precision. */
export interface Problem {
  readonly direction: Direction;
  readonly sizes: string;
}

/** The storage type of a precision. */
export const storageOf = (precision: Precision): string => precision.split(' ')[0]!;

/** The driver's line. A weight gradient comes in the type of the maps unless told otherwise. */
export function lineOf({ direction, sizes }: Problem, precision: Precision, gradient?: string): string {
  const type = direction === 'grad_weight' ? ` gradient=${gradient ?? storageOf(precision)}` : '';
  return `conv ${direction} ${sizes} ${precision}${type}`;
}

type Shape = readonly number[];

function convolutionSizes(node: Node, x: Shape, weight: Shape, batch: number): string {
  const list = (name: string, fallback: string) => {
    const value = node.attributes[name];
    return Array.isArray(value) ? value.join(',') : fallback;
  };
  const [, h, w, c] = x;
  const [k, , kernelH, kernelW] = weight;
  return [
    `n=${batch} c=${c} h=${h} w=${w} k=${k} kernel=${kernelH},${kernelW}`,
    `stride=${list('stride', '1,1')} dilation=${list('dilation', '1,1')} padding=${list('padding', '0,0,0,0')}`,
    `groups=${node.attributes['groups'] ?? 1}`,
  ].join(' ');
}

/** A fully connected layer is a 1x1 convolution over maps of one position. */
const linearSizes = ([k, c]: Shape, batch: number): string => `n=${batch} c=${c} h=1 w=1 k=${k}`;

/** The different convolutions and fully connected layers of models at their default input, in all directions. */
export function problemsOf(models: readonly ModelName[], batch: number): Problem[] {
  const lines = new Map<string, Problem>();
  const add = (sizes: string, directions: readonly Direction[]) => {
    for (const direction of directions) lines.set(`${direction} ${sizes}`, { direction, sizes });
  };
  for (const model of models) {
    const { graph } = buildModel(model);
    const shape = (id: number) => graph.values[id]!.shape;
    for (const node of graph.nodes) {
      const [x, weight] = [node.inputs[0]!, node.inputs[1]!];
      if (node.op === 'conv2d') {
        const wanted: Direction[] = ['forward', 'grad_weight'];
        if (graph.values[x]!.kind !== 'input') wanted.push('grad_input');
        add(convolutionSizes(node, shape(x), shape(weight), batch), wanted);
      } else if (node.op === 'linear' || node.op === 'squeeze_excite') {
        const matrices = node.inputs
          .filter((id) => id !== ABSENT && graph.values[id]!.kind === 'parameter')
          .filter((id) => shape(id).length === 2 && sizeOf(shape(id)) > 0);
        for (const id of matrices) {
          add(linearSizes(shape(id), batch), ['forward', 'grad_input', 'grad_weight']);
        }
      }
    }
  }
  return [...lines.values()];
}
