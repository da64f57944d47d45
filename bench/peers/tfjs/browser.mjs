// TensorFlow.js on WebGPU as a contender of the benchmarks, in a browser without a window. Ends with an
// error where the browser has no GPU.
//
//   node browser.mjs --model se_resnet50 --weights weights.safetensors --images images.safetensors
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { findBrowser } from '../../../scripts/find_browser.mjs';
import { serve, timed } from '../serve.mjs';
import { workOptions } from './work.mjs';

const { values: options } = parseArgs({
  options: {
    ...workOptions,
    // To try this file where there is no GPU; the benchmarks never do.
    software: { type: 'boolean', default: false },
  },
});

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const bundle = (name, file) =>
  join(dirname(require.resolve(`@tensorflow/${name}/package.json`)), 'dist', file);

/** What the page may ask for, by its path. */
const files = {
  '/tf.js': bundle('tfjs', 'tf.min.js'),
  '/webgpu.js': bundle('tfjs-backend-webgpu', 'tf-backend-webgpu.min.js'),
  '/page.mjs': join(here, 'page.mjs'),
  '/work.mjs': join(here, 'work.mjs'),
  '/net.mjs': join(here, 'net.mjs'),
  '/safetensors.mjs': join(dirname(here), 'safetensors.mjs'),
  '/weights': options.weights,
  '/images': options.images,
};
const html =
  '<!doctype html><title>senet bench</title><script src="tf.js"></script><script src="webgpu.js"></script>';

/** Serves the files to this machine alone; a page from there counts as secure, which WebGPU asks for. */
async function listen() {
  const server = createServer(({ url }, response) => {
    if (url === '/') return response.setHeader('content-type', 'text/html').end(html);
    if (!Object.hasOwn(files, url)) return response.writeHead(404).end();
    response.setHeader('content-type', /js$/.test(url) ? 'text/javascript' : 'application/octet-stream');
    return createReadStream(files[url]).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}/`;
}

const software = ['--use-webgpu-adapter=swiftshader', '--enable-unsafe-swiftshader'];
const browser = await chromium.launch({
  executablePath: findBrowser(),
  args: [
    ...['--no-sandbox', '--enable-unsafe-webgpu', '--enable-features=Vulkan'],
    ...(options.software ? software : []),
  ],
});
const page = await browser.newPage();
await page.goto(await listen());
await page.addScriptTag({ type: 'module', url: 'page.mjs' });
await page.waitForFunction(() => globalThis.contender !== undefined);
const training = options.mode === 'train';
const { ms: createMs, result: opened } = await timed(() =>
  page.evaluate((how) => globalThis.contender.open(...how), [options.model, training, options.software]),
);
if (opened.absent !== undefined) {
  await browser.close();
  throw new Error(opened.absent);
}
const info = {
  contender: 'tfjs-webgpu',
  version: `${opened.version} in Chromium ${browser.version()} on ${opened.gpu}`,
};
await serve(info, () => page.evaluate(() => globalThis.contender.run()), {
  training,
  warmup: Number(options.warmup),
  createMs,
  time: (iteration) => iteration(),
});
