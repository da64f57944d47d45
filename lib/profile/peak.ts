/** What a device can do at most, and what that says of a step. */
import { Device } from '../device.ts';
import { callNative, type StepInfo } from '../native.ts';

/** What a device can do at most. */
export interface Peak {
  /** Bytes a second between memory and the processor. */
  readonly bandwidth: number;
  /** Floating-point operations a second in convolutions. */
  readonly flops: number;
}

/** An H100 (SXM5): 3.35 TB/s, and 800 TFLOP/s of 16-bit products, which is what large ones reach of its 989. */
export const h100: Peak = { bandwidth: 3.35e12, flops: 8e14 };

/**
 * Measures this machine's CPU: a copy of arrays larger than the caches, bytes read and written counted, and float32
 * multiply-adds that touch no memory. Takes some tenths of a second beside JavaScript's thread.
 *
 * @param options.threads default one for each core
 */
export async function measurePeak(options: { threads?: number } = {}): Promise<Peak> {
  using device = await Device.open('cpu', options);
  return callNative((addon) => addon.measurePeak(device.handle));
}

/** The fewest milliseconds that a step takes: what its bytes or its operations need, whichever is more. */
export function leastMs({ bytes, flops }: StepInfo, peak: Peak): number {
  return 1e3 * Math.max(bytes / peak.bandwidth, flops / peak.flops);
}

/** What bounds a step on a device with this peak. */
export function boundOf({ bytes, flops }: StepInfo, peak: Peak): 'memory' | 'compute' {
  return flops / peak.flops > bytes / peak.bandwidth ? 'compute' : 'memory';
}
