/** Reads what the build of the CUDA backend leaves beside the objects of its kernels. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const architectures = ['sm_80', 'sm_90'] as const;
export type Architecture = (typeof architectures)[number];

/** A kernel on one architecture: registers of a thread, spilled bytes, and accesses of 16 bytes to global memory. */
export interface Kernel {
  readonly registers: number;
  readonly spilled: number;
  readonly loads: number;
  readonly stores: number;
}

/** Readable names for mangled ones: without result, namespaces and arguments. */
function demangle(names: readonly string[]): string[] {
  const { stdout } = spawnSync('c++filt', { input: names.join('\n'), encoding: 'utf8' });
  return stdout.split('\n').map((line) => {
    const name = line
      .replace(/\(anonymous namespace\)::|senet::cuda::|^void /g, '')
      .replace(/\((\w+)\)(-?\d)/g, '$2');
    return name.replace(/\(.*$/, '');
  });
}

/** Instructions that access 16 bytes of global memory, in each kernel of a PTX text. */
function wideAccesses(ptx: string): Map<string, { loads: number; stores: number }> {
  const parts = ptx.split(/^.*\.entry /m).slice(1);
  return new Map(
    parts.map((part) => {
      const count = (kind: string) =>
        part.match(new RegExp(`\\b${kind}\\.global(\\.\\w+)*\\.(v4\\.[fubs]32|v2\\.[fubs]64)`, 'g'))
          ?.length ?? 0;
      return [/^\w+/.exec(part)![0], { loads: count('ld'), stores: count('st') }];
    }),
  );
}

/** What the assembler says of each kernel, and of the functions that the kernel calls. */
function usage(report: string) {
  const parts = report.split('Compiling entry function ').slice(1);
  return parts.map((part) => {
    const [, mangled, architecture] = /^'(\w+)' for '(\w+)'/.exec(part)!;
    const spills = [...part.matchAll(/(\d+) bytes spill/g)].map(([, bytes]) => Number(bytes));
    return {
      mangled: mangled!,
      architecture: architecture as Architecture,
      registers: Number(/Used (\d+) registers/.exec(part)![1]),
      spilled: spills.reduce((a, b) => a + b),
    };
  });
}

/** Kernels by name, for each architecture. Of a name that several units have, the worst of each number. */
export function readKernels(root: string): Record<Architecture, ReadonlyMap<string, Kernel>> {
  const units = join(root, 'build/cuda/units');
  const kernels = { sm_80: new Map<string, Kernel>(), sm_90: new Map<string, Kernel>() };
  for (const report of readdirSync(units).filter((name) => name.endsWith('.cu.o.report'))) {
    const folder = join(units, report);
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    const accesses = wideAccesses(read(readdirSync(folder).find((name) => name.endsWith('.ptx'))!));
    const used = usage(read('ptxas.txt'));
    const names = demangle(used.map(({ mangled }) => mangled));
    for (const [i, { mangled, architecture, registers, spilled }] of used.entries()) {
      const { loads, stores } = accesses.get(mangled)!;
      const other = kernels[architecture].get(names[i]!) ?? { registers, spilled, loads, stores };
      kernels[architecture].set(names[i]!, {
        registers: Math.max(registers, other.registers),
        spilled: Math.max(spilled, other.spilled),
        loads: Math.min(loads, other.loads),
        stores: Math.min(stores, other.stores),
      });
    }
  }
  return kernels;
}
