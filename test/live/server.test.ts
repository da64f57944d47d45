/** The server of a live page: whom it answers, what it lets them do, and what they can not do to it. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, ArgumentRangeError, StateError } from '../../lib/errors.ts';
import { type LivePage, livePage } from '../../lib/live/live_page.ts';
import type { WatchedRun } from '../../lib/live/watch.ts';
import { Model } from '../../lib/model.ts';
import { definition } from '../train/helpers.ts';
import { get, open } from './get.ts';

const model = new Model(definition);
const wrong = <T>(value: unknown): T => value as T;
let page: LivePage;
beforeAll(async () => {
  page = await livePage({ model, config: { note: '<script>alert(1)</script>' } });
});
afterAll(() => {
  page.dispose();
  model.dispose();
});

describe('answers', () => {
  test('with a page that may do nothing but show itself and ask its own server', async () => {
    const { status, headers, text } = await get(page.url);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    const policy = headers['content-security-policy']!;
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+' 'sha256-\S+'; img-src data:; script-src 'sha256-\S+'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text.match(/<script/g)?.length).toBe(1);
    expect(text).not.toMatch(/<[^>]* on\w+=|<[^>]* style=|https?:/);
  });

  test('HEAD without a body, other methods and paths not at all', async () => {
    for (const path of ['/', '/events'])
      expect(await get(page.url, { path, method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await get(page.url, { method });
      expect([method, status, headers.allow]).toEqual([method, 405, 'GET, HEAD']);
    }
    for (const path of ['/events/', '/index.html', '/../package.json', '//', 'http://127.0.0.1/'])
      expect([path, (await get(page.url, { path })).status]).toEqual([path, 404]);
    expect((await get(page.url, { path: '/?a=b' })).status).toBe(200);
  });
});

describe('keeps out', () => {
  const ask = async (headers: Record<string, string>) => (await get(page.url, { headers })).status;

  test('names that were made to lead here', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '0.0.0.0'])
      expect([host, await ask({ Host: host })]).toEqual([host, 421]);
    // A tunnel has a port of its own.
    for (const host of [new URL(page.url).host, 'localhost', 'LOCALHOST:8080', '127.0.0.1:1'])
      expect([host, await ask({ Host: host })]).toEqual([host, 200]);
  });

  test('pages of others', async () => {
    const own = page.url.slice(0, -1);
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1', own.replace('http', 'https')])
      expect([origin, await ask({ Origin: origin })]).toEqual([origin, 403]);
    expect(await ask({ Origin: own })).toBe(200);
    for (const site of ['cross-site', 'same-site', 'anything'])
      expect([site, await ask({ 'Sec-Fetch-Site': site })]).toEqual([site, 403]);
    for (const site of ['same-origin', 'none']) expect(await ask({ 'Sec-Fetch-Site': site })).toBe(200);
  });

  test('other addresses of this machine', async () => {
    const { port } = new URL(page.url);
    const elsewhere = new Promise((resolve, reject) => {
      connect({ host: '127.0.0.2', port: Number(port) }, () => resolve('open')).on('error', reject);
    });
    await expect(elsewhere).rejects.toThrow('ECONNREFUSED');
  });
});

describe('limits', () => {
  test('how much is asked', async () => {
    expect((await get(page.url, { path: `/?${'a'.repeat(10_000)}` })).status).toBe(431);
  });

  test('how long asking takes', async () => {
    const { port } = new URL(page.url);
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('how many follow', async () => {
    const streams = Array.from({ length: 8 }, () => open(page.url, { path: '/events' }));
    const answers = await Promise.all(streams.map(({ answer }) => answer));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(200));
    expect((await get(page.url, { path: '/events' })).status).toBe(503);
    for (const { close } of streams) close();
    await expect
      .poll(async () => {
        const stream = open(page.url, { path: '/events' });
        const { statusCode } = await stream.answer;
        stream.close();
        return statusCode;
      })
      .toBe(200);
  });
});

test('says at once that it cannot be had', async () => {
  const port = Number(new URL(page.url).port);
  const error = await livePage({ model }, { port }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StateError);
  expect((error as Error).message).toBe(
    `livePage: port ${port} of 127.0.0.1 is in use; choose another, or 0 for any that is free`,
  );
  await expect(livePage({ model }, { port: 65_536 })).rejects.toThrow(ArgumentRangeError);
  await expect(livePage({ model }, wrong({ host: '0.0.0.0' }))).rejects.toThrow(ArgumentError);
  await expect(livePage({ model }, { directory: '' })).rejects.toThrow(ArgumentRangeError);
  await expect(livePage(wrong<WatchedRun>({}))).rejects.toThrow(ArgumentError);
  await expect(livePage({ model, classes: wrong('a') })).rejects.toThrow(ArgumentError);
  await expect(livePage({ model, validation: wrong(1) })).rejects.toThrow(ArgumentError);
});

test('is gone when it is disposed of', async () => {
  using other = await livePage({ model });
  expect((await get(other.url)).status).toBe(200);
  other.dispose();
  other.dispose();
  await expect(get(other.url)).rejects.toThrow('ECONNREFUSED');
  await expect(other.onTrainBegin!({ epochs: 1, resumed: undefined })).rejects.toThrow(StateError);
});
