// The side of a contender in the line protocol that pytorch.py describes, for contenders in Node.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

export const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

/** How late the event loop is, sampled every few milliseconds. */
function watchLoop() {
  const resolution = 5;
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  // Beyond the timer's own period.
  const late = (ns) => Math.max(0, ns / 1e6 - resolution);
  return {
    reset: () => delay.reset(),
    stats: () => ({ eventLoopP99Ms: late(delay.percentile(99)), eventLoopMaxMs: late(delay.max) }),
  };
}

/**
 * Warms up, says that it is ready, and then does what it is told, until the end.
 *
 * @param info what the ready line says of the contender
 * @param iteration one inference or training step; returns logits, or the loss
 * @param options.training whether it returns losses, of which the first three are what is checked
 * @param options.logits makes logits of what an inference returns
 * @param options.time runs an iteration and says how long it took, where that is known elsewhere than here
 */
export async function serve(info, iteration, options) {
  const { training, warmup, createMs, logits = (values) => values, time = timed } = options;
  const first = await time(iteration);
  const losses = [first.result];
  let warmMs = first.ms;
  for (let i = 1; i < warmup; i += 1) {
    const { ms, result } = await time(iteration);
    warmMs = ms;
    losses.push(result);
  }
  const result = training ? { losses: losses.slice(0, 3) } : { logits: Array.from(logits(first.result)) };
  const loop = watchLoop();
  say({ ready: true, ...info, createMs, firstMs: first.ms, warmMs, ...result });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = line.trim();
    if (request === 'run') say({ ms: (await time(iteration)).ms });
    else if (request === 'reset') {
      loop.reset();
      say({});
    } else if (request === 'stats')
      say({ ...loop.stats(), peakRssBytes: process.resourceUsage().maxRSS * 1024 });
    else if (request === 'exit') break;
  }
  process.exit(0);
}
