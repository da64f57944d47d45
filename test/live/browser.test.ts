/** A live page in a real browser: it follows a run that trains, breaks no rule of its own policy and asks nobody else. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { livePage } from '../../lib/live/live_page.ts';
import type { Model } from '../../lib/model.ts';
import { data } from '../train/checkpoint_runs.ts';
import { batches, tiny } from '../train/helpers.ts';

const { findBrowser } = (await import(new URL('../../scripts/find_browser.mjs', import.meta.url).href)) as {
  findBrowser: () => string | undefined;
};
const executablePath = findBrowser();

const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 } };
const dark: BrowserContextOptions = { colorScheme: 'dark' };

describe.skipIf(executablePath === undefined)('in a browser (needs chromium)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'senet-browser-'));
  const validation = data.augmented({});
  const classes = ['<b>', 'bag', 'coat', 'shoe'];
  let browser: Browser;
  let model: Model;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
    model = await tiny({ lr: 0.001 });
  });
  afterAll(async () => {
    await browser?.close();
    model?.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Opens a page; what it complains of and whom it asks is kept. */
  async function visit(url: string, options: BrowserContextOptions = {}) {
    const page = await (await browser.newContext(options)).newPage();
    const complaints: string[] = [];
    const asked = new Set<string>();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) asked.add(request.url());
    });
    await page.goto(url);
    return { page, complaints, asked };
  }

  /** Whether the page is wider than the window. */
  const overflows = (page: Page) =>
    page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth');
  const textOf = (page: Page, selector: string) => page.locator(selector).first().innerText();

  test('follows a run, and shows its end', async () => {
    const model = await tiny({ lr: 0.001 });
    const validation = data.augmented({});
    const live = await livePage(
      { model, validation, classes: ['<b>', 'bag', 'coat', 'shoe'] },
      { directory },
    );
    const seen = await Promise.all([visit(live.url), visit(live.url, { ...phone, ...dark })]);
    const [{ page }] = seen;
    expect(await textOf(page, '#head')).toContain('Waiting for the run to begin.');

    let open = () => {};
    const half = new Promise<void>((resolve) => {
      open = resolve;
    });
    // The second epoch begins when the page has been looked at.
    const gate = { onEpochBegin: (epoch: number) => (epoch === 1 ? half : undefined) };
    const training = model.fit(batches(5), { epochs: 2, batchSize: 16, validation, callbacks: [live, gate] });
    const line = page.locator('#steps .line').first();
    await line.waitFor();
    await page.locator('#gates svg').first().waitFor();
    const path = await line.getAttribute('d');
    expect(path).toMatch(/^M[\d.]+ [\d.]+L/);
    expect(await page.locator('svg').count()).toBe(7);
    expect(await page.locator('#mistakes img').count()).toBeGreaterThan(0);
    expect(await page.evaluate('[...document.images].every((image) => image.naturalWidth > 0)')).toBe(true);
    expect(await textOf(page, '#mistakes')).toContain(' %');
    open();
    await training;

    for (const { page: one, complaints, asked } of seen) {
      await one.getByText('Ended after 2 of 2 epochs.').waitFor();
      expect(await one.locator('#steps .line').first().getAttribute('d')).not.toBe(path);
      expect(await textOf(one, '#connection')).toBe('');
      expect(await overflows(one)).toBe(false);
      expect(complaints).toEqual([]);
      expect([...asked].sort()).toEqual([live.url, `${live.url}events`]);
    }
    expect(await colours(seen[0].page)).not.toEqual(await colours(seen[1].page));
  });

  const colours = (page: Page) =>
    page.evaluate(`['body', 'svg text'].map((name) => {
      const { color, fill, backgroundColor } = getComputedStyle(document.querySelector(name));
      return [color, fill, backgroundColor];
    })`);

  test('says when the run cannot be reached, and goes on when it can', async () => {
    const first = await livePage({ model });
    const { page } = await visit(first.url);
    first.dispose();
    await page.getByText('The run cannot be reached').waitFor();
    using _second = await livePage({ model }, { port: Number(new URL(first.url).port) });
    await expect.poll(() => textOf(page, '#connection'), { timeout: 10_000 }).toBe('');

    // It lets go of the connection while nobody looks.
    const look = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange')); source?.readyState`);
    expect(await look(true)).toBeUndefined();
    const again = page.waitForRequest(`${first.url}events`);
    expect(await look(false)).toBe(0);
    await again;
  });

  describe('its last file', () => {
    beforeAll(async () => {
      const live = await livePage({ model, validation, classes }, { directory });
      await model.fit(batches(5), { epochs: 2, batchSize: 16, validation, callbacks: [live] });
    });

    test.each([
      ['a desk', {}],
      ['a phone', phone],
      ['the dark', dark],
    ])('opens without a server, on %s', async (_, options) => {
      const file = join(directory, 'report.html');
      const { page, complaints, asked } = await visit(pathToFileURL(file).href, options);
      expect(await page.locator('svg').count()).toBe(7);
      expect(await overflows(page)).toBe(false);
      expect(complaints).toEqual([]);
      expect([...asked]).toEqual([pathToFileURL(file).href]);
      // Its own policy holds: a script that got into it would not run.
      expect(await page.evaluate('document.images.length')).toBeGreaterThan(0);
      await page.evaluate(
        `document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))`,
      );
      expect(await page.evaluate('window.ran')).toBeUndefined();
      expect(readFileSync(file, 'utf8')).toContain('&lt;b&gt;');
    });
  });
});
