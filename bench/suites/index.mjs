// The suites and measures by the names that `npm run bench -- NAME` takes.
import { median } from '../statistics.mjs';
import { measureCompile } from './compile.mjs';
import { measureEventLoop } from './event_loop.mjs';
import { measureGrowth } from './growth.mjs';
import { measureInstallSize } from './install_size.mjs';
import { measureKernels } from './kernels.mjs';
import { measureMemory } from './memory.mjs';
import { measureModels } from './models.mjs';
import { pairs } from './pairs.mjs';
import { measureRoofline } from './roofline.mjs';
import { measureScaling } from './scaling.mjs';
import { measureSeCost } from './se_cost.mjs';
import { measureStartup } from './startup.mjs';
import { measureTail } from './tail.mjs';
import { measureTraffic } from './traffic.mjs';

/** What runs when nothing is named. */
export const suites = {
  models: measureModels,
  'se-cost': measureSeCost,
  kernels: measureKernels,
  roofline: measureRoofline,
  scaling: measureScaling,
  growth: measureGrowth,
  zoo: pairs.zoo,
  compile: measureCompile,
  memory: measureMemory,
  startup: measureStartup,
  'event-loop': measureEventLoop,
  'install-size': measureInstallSize,
};

const single = {
  async tail(session) {
    const result = await measureTail(session.options.threads);
    session.say({ suite: 'tail', unit: 'GB/s', value: result.gbPerSecond, ...result });
  },
  traffic(session) {
    for (const result of measureTraffic()) session.say({ suite: 'traffic', ...result });
  },
  async loader(session) {
    const { measureLoader } = await import('./loader.mjs');
    const results = await measureLoader({ rounds: session.options.rounds, median });
    for (const result of results) session.say({ suite: 'loader', ...result });
  },
  async 'loader-training'(session) {
    const { measureLoaderTraining } = await import('./loader_training.mjs');
    const { rounds, threads } = session.options;
    session.say({ suite: 'loader', ...(await measureLoaderTraining({ rounds, median, threads })) });
  },
  async 'live-page'(session) {
    const { measureLivePage } = await import('./live_page.mjs');
    const { rounds, threads } = session.options;
    session.say({ suite: 'live-page', ...(await measureLivePage({ rounds: 2 * rounds, median, threads })) });
  },
};

/** Everything that can be named; the pairs measure again, two by two, what suites measure of all. */
export const measures = { ...suites, ...pairs, ...single };
