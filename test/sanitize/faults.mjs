/**
 * Throws every kind of exception at every entry point of the test addon, in calls and in jobs; each must arrive in
 * JavaScript as an error. Run with SENET_ADDON naming a build with fault injection.
 */
import { createRequire } from 'node:module';
import { encodeGraph, f32, GraphBuilder } from '../../dist/internals.js';

const addon = createRequire(import.meta.url)(process.env.SENET_ADDON);
const builder = new GraphBuilder();
const x = builder.input('x', f32(1, 4));
const w = builder.parameter('w', f32(2, 4));
const message = encodeGraph(builder.finish(builder.emit('linear', [x, w])));

const settings = { threads: 1, layout: 'auto', memoryLimit: 0 };
const device = addon.openDevice('cpu', settings);
const tensor = addon.createTensor(device, 32);
const program = await addon.compile(device, message, [tensor]);
const inputs = await addon.createInputs(program);
const sizes = {
  ...{ width: 4, height: 4, toWidth: 2, toHeight: 2, top: 0, left: 0, partWidth: 2, partHeight: 2 },
  interpolation: 'bilinear',
};
const calls = {
  openCuda: async () => {
    try {
      await addon.openCuda('/nowhere/senet_cuda.so', []);
    } catch (error) {
      // There is none; what counts is the fault before that.
      if (!/cannot be opened/.test(error.message)) throw error;
    }
  },
  openDevice: () => addon.dispose(addon.openDevice('cpu', settings)),
  deviceInfo: () => addon.deviceInfo(device),
  measurePeak: () => addon.measurePeak(device),
  createTensor: () => addon.dispose(addon.createTensor(device, 8)),
  writeTensors: () => addon.writeTensors(device, [tensor], [new Float32Array(8)]),
  readTensors: () => addon.readTensors(device, [tensor]),
  compile: () => addon.compile(device, message, [tensor]),
  programInfo: () => addon.programInfo(program),
  createInputs: async () => addon.dispose(await addon.createInputs(program)),
  stageInput: () => addon.stageInput(inputs, 0, 0, new Float32Array(4)),
  run: () => addon.run(inputs, false),
  resizeImage: () => addon.resizeImage(new Uint8Array(4 * 4 * 3), sizes),
  dispose: () => addon.dispose(addon.createTensor(device, 8)),
  stopDevices: () => undefined,
  liveHandles: () => addon.liveHandles(),
};
// These are the test build's own.
const exported = Object.keys(addon).filter((name) => name !== 'setFault' && name !== 'callLibrary');
const uncovered = exported.filter((name) => !(name in calls));
if (uncovered.length > 0) throw new Error(`no call for ${uncovered.join(', ')}`);

let met = 0;
for (const kind of ['bad_alloc', 'runtime_error', 'int', 'backend']) {
  for (const [name, call] of Object.entries(calls)) {
    for (const point of [name, `${name}:job`]) {
      if (name === 'stopDevices') continue;
      addon.setFault(point, kind);
      try {
        await call();
      } catch (error) {
        if (!(error instanceof Error) || !String(error.code).startsWith('ERR_SENET_')) throw error;
        met += 1;
      }
      addon.setFault('', '');
      await call(); // the next call works
    }
  }
}
for (const kind of ['bad_alloc', 'runtime_error', 'int', 'backend']) {
  addon.setFault('stopDevices', kind);
  try {
    addon.stopDevices();
  } catch {
    met += 1;
  }
}
console.log(`${met} faults met at ${exported.length} entries`);
