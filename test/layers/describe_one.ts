/** Describes networks around one part, for the tests of layers. */
import {
  defineModel,
  type Feature,
  type FeatureMap,
  globalAvgPool,
  linear,
  type ModelDefinition,
} from '../../lib/index.ts';

/** A network of one part over an image of 9x8 with 6 channels; a classifier follows, so that it is whole. */
export function describeOne(part: (images: FeatureMap<6>) => Feature): {
  definition: ModelDefinition;
  shape: number[];
} {
  let shape: readonly number[] = [];
  const definition = defineModel({ input: [9, 8, 6] }, (images) => {
    const y = part(images);
    shape = y.builder.graph.type(y.id).shape;
    return linear(y.kind === 'map' ? globalAvgPool(y) : y, { units: 2, name: 'classifier' });
  });
  return { definition, shape: [...shape] };
}

/** The part's nodes and parameters, without the classifier's. */
export function partsOf({ graph, parameters }: ModelDefinition) {
  const end = graph.nodes.findIndex(({ layer }) => layer === 'classifier');
  return {
    nodes: graph.nodes.slice(0, end),
    parameters: parameters.filter(({ name }) => !name.startsWith('classifier')),
  };
}
