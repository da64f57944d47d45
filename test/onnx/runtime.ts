/** ONNX Runtime, the judge of exported files. */
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Runs a file, node by node as it stands, on images [N, C, H, W]; returns the output's name and values. */
export async function runOnnx(
  file: string | Uint8Array,
  images: Float32Array,
  dims: readonly number[],
): Promise<{ name: string; data: Float32Array; dims: readonly number[] }> {
  const options = { intraOpNumThreads: 2, logSeverityLevel: 3, graphOptimizationLevel: 'disabled' } as const;
  // The types tell a path from bytes apart, but not a union of them.
  const session =
    typeof file === 'string'
      ? await InferenceSession.create(file, options)
      : await InferenceSession.create(file, options);
  try {
    const outputs = await session.run({ images: new Tensor('float32', images, dims) });
    const [name] = session.outputNames as [string];
    const { data, dims: shape } = outputs[name]!;
    if (!(data instanceof Float32Array)) throw new TypeError('expected float32');
    return { name, data, dims: shape };
  } finally {
    await session.release();
  }
}
