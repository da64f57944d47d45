import { Device } from '../../lib/device.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { Program, type ProgramInputs } from '../../lib/program.ts';
import { Tensor } from '../../lib/tensor.ts';
import type { StateDict } from '../../lib/weights.ts';

/** Runs a graph once on the CPU, with parameters and states by name; resolves to its outputs. */
export async function runGraph(
  graph: Graph,
  weights: StateDict,
  inputs: ProgramInputs,
): Promise<readonly ArrayLike<number>[]> {
  const device = await Device.open('cpu');
  try {
    const kept = graph.values.filter(({ kind }) => kind === 'parameter' || kind === 'state');
    const tensors = new Map(kept.map(({ name, shape }) => [name, new Tensor(device, name, shape)]));
    const handles = [...tensors.values()].map(({ handle }) => handle);
    await device.write(
      handles,
      kept.map(({ name }) => weights.get(name)!.data),
    );
    const program = await Program.compile(device, graph, tensors);
    const outputs = await program.run(inputs);
    program.dispose();
    for (const tensor of tensors.values()) tensor.dispose();
    return outputs;
  } finally {
    device.dispose();
  }
}
