import { ArgumentError, ShapeError } from '../errors.ts';
import { f32 } from '../ir/graph.ts';
import { expectVector, FeatureMap, type FeatureVector } from './feature.ts';
import { ModelBuilder, type ModelDefinition } from './model_builder.ts';
import { checkKeys, checkObject, readWhole, show } from './options.ts';

/** Size of the images: height, width, channels. */
export type InputSize<C extends number = number> = readonly [height: number, width: number, channels: C];

/** Checks an input size. */
export function readInput<C extends number>(where: string, input: unknown): InputSize<C> {
  if (!Array.isArray(input) || input.length !== 3) {
    throw new ArgumentError(`${where}: input: expected [height, width, channels]`);
  }
  const [h, w, c] = ['height', 'width', 'channels'].map((what, i) =>
    readWhole(`${where}: input: ${what}`, input[i], 1),
  );
  return [h!, w!, c as C];
}

/**
 * Describes a network: `build` gets the images as a feature map and returns the logits, one per class.
 *
 * @example
 * const definition = defineModel({ input: [32, 32, 3] }, (images) => {
 *   const x = relu(batchNorm(conv2d(images, { filters: 16, kernel: 3, bias: false })));
 *   return linear(globalAvgPool(squeezeExcite(x, { reduction: 4 })), { units: 10 });
 * });
 * const model = new Model(definition);
 * @throws ArgumentError, ArgumentRangeError or ShapeError naming the layer that does not fit.
 */
export function defineModel<const C extends number, K extends number>(
  options: {
    readonly input: InputSize<C>;
    readonly name?: string;
    readonly config?: Readonly<Record<string, unknown>>;
  },
  build: (images: FeatureMap<C>) => FeatureVector<K>,
): ModelDefinition {
  checkKeys('defineModel', options, ['input', 'name', 'config']);
  const { name = 'model', config = {} } = options;
  const input = readInput<C>('defineModel', options.input);
  if (typeof name !== 'string' || name === '') {
    throw new ArgumentError(`defineModel: name: expected a name, received ${show(name)}`);
  }
  checkObject('defineModel: config', config);
  if (typeof build !== 'function') throw new ArgumentError('defineModel: build: expected a function');
  const builder = new ModelBuilder();
  const images = builder.graph.input('images', f32(1, ...input));
  const logits = expectVector('defineModel: build', build(new FeatureMap(builder, images, input[2])));
  if (logits.builder !== builder)
    throw new ArgumentError('defineModel: build: expected a feature of this model');
  if (logits.channels < 2) {
    throw new ShapeError(
      `defineModel: build: expected logits of at least 2 classes, received ${logits.channels}`,
    );
  }
  return {
    name,
    config,
    graph: builder.graph.finish([logits.id]),
    parameters: [...builder.parameters],
    input,
    classes: logits.channels,
  };
}
