/** What is said when a GPU is asked for and there is none, or no backend for it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cudnnCandidates, planCacheFolder } from '../../lib/cuda.ts';
import { Device, type DeviceOptions } from '../../lib/device.ts';
import { ArgumentError, ArgumentRangeError, CudaUnavailableError, listDevices } from '../../lib/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-cuda-'));
const missing = join(folder, 'missing.so');
const garbage = join(folder, 'garbage.so');
writeFileSync(garbage, 'no library');

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** The message of the error that opening a GPU gives with this library. */
async function refusal(library: string): Promise<string> {
  vi.stubEnv('SENET_CUDA_LIBRARY', library);
  try {
    (await Device.open('cuda')).dispose();
  } catch (error) {
    expect(error).toBeInstanceOf(CudaUnavailableError);
    expect(error).toMatchObject({ code: 'ERR_SENET_CUDA_UNAVAILABLE' });
    return error instanceof Error ? error.message : '';
  }
  return 'nothing';
}

describe('the message says', () => {
  test('that the backend is not built, and where it would be', async () => {
    expect(await refusal(missing)).toContain(`not built: looked for ${missing}`);
  });

  test('that the file is no library, where cuDNN was looked for, and what to install', async () => {
    const message = await refusal(garbage);
    expect(message).toContain(garbage);
    expect(message).toContain('libcudnn.so.9');
    expect(message).toMatch(/Install cuDNN 9/);
  });

  test('that the library is another one', async () => {
    expect(await refusal('/lib/x86_64-linux-gnu/libm.so.6')).toContain('no library of the CUDA backend');
  });
});

test('SENET_CUDNN comes first, the system second', () => {
  vi.stubEnv('SENET_CUDNN', '/somewhere/cudnn/lib');
  expect(cudnnCandidates().slice(0, 2)).toEqual(['/somewhere/cudnn/lib/libcudnn.so.9', 'libcudnn.so.9']);
  vi.stubEnv('SENET_CUDNN', '/somewhere/libcudnn.so.9.24.0');
  expect(cudnnCandidates()[0]).toBe('/somewhere/libcudnn.so.9.24.0');
  vi.stubEnv('SENET_CUDNN', '');
  expect(cudnnCandidates()[0]).toBe('libcudnn.so.9');
});

test('plans are kept in the cache of the user', () => {
  vi.stubEnv('HOME', '/home/someone');
  vi.stubEnv('XDG_CACHE_HOME', '/somewhere');
  expect(planCacheFolder()).toBe('/somewhere/senet');
  for (const none of ['', 'relative']) {
    vi.stubEnv('XDG_CACHE_HOME', none);
    expect(planCacheFolder()).toBe('/home/someone/.cache/senet');
  }
});

test('auto takes the CPU, and says once why it is not the GPU', async () => {
  vi.stubEnv('SENET_CUDA_LIBRARY', garbage);
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  for (let i = 0; i < 2; i += 1) {
    const device = await Device.open('auto');
    expect(device.kind).toBe('cpu');
    device.dispose();
  }
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]![0]).toMatch(/^using the CPU: /);
  expect((await listDevices()).map(({ name }) => name)).toEqual(['cpu']);
});

test('auto takes the CPU in silence where the backend is not built', async () => {
  vi.stubEnv('SENET_CUDA_LIBRARY', missing);
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  (await Device.open('auto')).dispose();
  expect(warn).not.toHaveBeenCalled();
  expect(await listDevices()).toMatchObject([
    { name: 'cpu', description: expect.stringContaining('oneDNN') },
  ]);
});

const wrong = <T>(value: unknown): T => value as T;

test.each(['gpu', 'cuda:', 'cuda:x', 'cuda:-1', 'cuda:1.5', 'CUDA', '', 3, null, {}])(
  'device %j',
  async (name) => {
    await expect(Device.open(wrong(name))).rejects.toThrow(ArgumentRangeError);
  },
);

test.each<[string, DeviceOptions, new (message: string) => Error]>([
  ['precision', { precision: wrong('float8') }, ArgumentRangeError],
  ['precision', { precision: wrong(16) }, ArgumentRangeError],
  ['deterministic', { deterministic: wrong('yes') }, ArgumentError],
  ['autotune', { autotune: wrong(1) }, ArgumentError],
  ['memoryLimit', { memoryLimit: 0 }, ArgumentRangeError],
])('a wrong %s: %j', async (name, options, type) => {
  const opening = Device.open('cuda', options);
  await expect(opening).rejects.toThrow(type);
  await expect(opening).rejects.toThrow(`${name}: expected`);
});

test('the CPU has float32 only', async () => {
  await expect(Device.open('cpu', { precision: 'bfloat16' })).rejects.toThrow(
    'precision: expected float32 on the CPU',
  );
});
