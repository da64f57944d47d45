/** The devices that the op suites run on: each kind of storage the CPU backend has. */
import { Device } from '../../lib/device.ts';

const layouts = ['channels_last', 'blocked8', 'blocked16'] as const;

/** Opens every device. */
export const openDevices = (): Map<string, Device> =>
  new Map(layouts.map((layout) => [`cpu ${layout}`, new Device('cpu', { layout })]));

/** Names for `describe.each`. */
export const deviceNames = layouts.map((layout) => `cpu ${layout}`);
