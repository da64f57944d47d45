// The side of a contender of the suite `kernels`, for contenders in Node. For "open SPEC" it prints a sample of the result and
// the milliseconds of a warm run, or {"skipped": why}; for "run" {"ms": number}; until "exit".
import { createInterface } from 'node:readline';
import { say } from './serve.mjs';

const SAMPLE = 64;

/** Values from places all over the result, the same in every contender; and how large the result is. */
export function sampleOf(values) {
  const places = Array.from({ length: SAMPLE }, (_, i) =>
    Math.floor((i * (values.length - 1)) / (SAMPLE - 1)),
  );
  return { sample: places.map((place) => values[place]), length: values.length };
}

const firstLine = (error) => String(error.message).split('\n')[0];

/** @param open makes a spec's `result` and functions `run`, which returns milliseconds, and `close` */
export async function serveKernels(info, open) {
  say({ ready: true, ...info });
  let kernel;
  for await (const line of createInterface({ input: process.stdin })) {
    const [, request, spec] = /^(\w+) ?(.*)$/.exec(line.trim()) ?? [];
    if (request === 'exit') break;
    try {
      if (request === 'open') {
        kernel?.close();
        kernel = undefined;
        kernel = await open(JSON.parse(spec));
        const sample = sampleOf(kernel.result);
        await kernel.run();
        say({ ...sample, warmMs: await kernel.run() });
      } else say({ ms: await kernel.run() });
    } catch (error) {
      say({ skipped: firstLine(error) });
    }
  }
  process.exit(0);
}
