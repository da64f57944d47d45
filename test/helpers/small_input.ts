/** Sizes of images that are small and odd, and still large enough for a model. */
export const smallInput = (model: string, channels = 3): [number, number, number] =>
  /inception_resnet/.test(model) ? [80, 77, channels] : [36, 33, channels];
