/** What a model consists of, and what it costs. */
import { formatTable } from '../figures/format_table.ts';
import { ABSENT, type Node, sizeOf } from '../ir/graph.ts';
import type { ModelDefinition } from '../layers/index.ts';

/** One row of a summary: the nodes of one layer. */
export interface SummaryRow {
  readonly layer: string;
  readonly op: string;
  /** Output of one image, without the batch. */
  readonly outputShape: readonly number[];
  /** Learned values. */
  readonly parameters: number;
  /** Multiply-adds of convolutions and fully connected layers, for one image. */
  readonly macs: number;
}

export interface ModelSummary {
  readonly name: string;
  readonly rows: readonly SummaryRow[];
  /** Learned values in all. */
  readonly parameters: number;
  /** Values kept beside them: running statistics. */
  readonly states: number;
  /** Multiply-adds in all, for one image. */
  readonly macs: number;
}

/** Multiply-adds of a node for one image. */
function macsOf({ graph }: ModelDefinition, node: Node): number {
  const shape = (id: number | undefined) =>
    id === undefined || id === ABSENT ? [] : graph.values[id]!.shape;
  const weights = (position: number) => sizeOf(shape(node.inputs[position]));
  switch (node.op) {
    case 'conv2d': {
      const [, h, w] = shape(node.outputs[0]);
      return h! * w! * weights(1);
    }
    case 'linear':
      return weights(1);
    case 'squeeze_excite': {
      const [, h, w] = shape(node.outputs[0]);
      const positions = node.attributes['squeeze'] === 'none' ? h! * w! : 1;
      return positions * (weights(1) + weights(3));
    }
    case 'norm_activation':
      return (node.inputs[5] ?? ABSENT) === ABSENT ? 0 : weights(5) + weights(7);
    case 'norm_tail':
      return (node.inputs[10] ?? ABSENT) === ABSENT ? 0 : weights(10) + weights(12);
    default:
      return 0;
  }
}

/** Rows and totals of a model. */
export function summarize(definition: ModelDefinition): ModelSummary {
  const { graph } = definition;
  const rows = graph.nodes.map((node): SummaryRow => {
    const learned = node.inputs.filter((id) => id !== ABSENT && graph.values[id]!.kind === 'parameter');
    return {
      layer: node.layer,
      op: node.op,
      outputShape: graph.values[node.outputs[0]!]!.shape.slice(1),
      parameters: learned.reduce((sum, id) => sum + sizeOf(graph.values[id]!.shape), 0),
      macs: macsOf(definition, node),
    };
  });
  const total = (kind: 'parameter' | 'state') =>
    definition.parameters.filter((p) => p.kind === kind).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    name: definition.name,
    rows,
    parameters: total('parameter'),
    states: total('state'),
    macs: rows.reduce((sum, row) => sum + row.macs, 0),
  };
}

const count = (value: number): string => value.toLocaleString('en');

/** A summary as a table of text. */
export function formatSummary(summary: ModelSummary): string {
  const head = ['layer', 'op', 'output', 'parameters', 'multiply-adds'];
  const body = summary.rows.map((row) => [
    row.layer,
    row.op,
    row.outputShape.join('x'),
    count(row.parameters),
    count(row.macs),
  ]);
  const total = ['total', '', '', count(summary.parameters), count(summary.macs)];
  const [heads, ...lines] = formatTable([head, ...body, total]).split('\n');
  const rule = '-'.repeat(Math.max(...lines.map((line) => line.length)));
  return [summary.name, rule, heads, rule, ...lines.slice(0, -1), rule, lines.at(-1)].join('\n');
}
