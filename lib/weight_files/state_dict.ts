/** A tensor of a state dict. */
export interface StateTensor {
  /** PyTorch's shape: OIHW for convolutions, [out, in] for linear layers. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Parameters and running statistics under PyTorch's names. */
export type StateDict = ReadonlyMap<string, StateTensor>;
