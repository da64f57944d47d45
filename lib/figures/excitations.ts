import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import type { ClassExcitations, Excitations } from '../excitations.ts';
import { checkFlag, checkOptions, checkWhole } from '../train/check.ts';
import { lineChart, type Series } from './line_chart.ts';

/** Options of {@link excitationFigure}. */
export interface ExcitationFigureOptions {
  /** Name of the block, one of `excitations.blocks`. */
  block: string;
  /** Classes to draw; default all that were captured, eight at most. */
  classes?: readonly number[];
  /** Names of the classes by index; default their numbers. */
  names?: readonly string[];
  /** Channels drawn, spread evenly over those of the block; default 50, as in the paper. */
  channels?: number;
  /** Draw each class's standard deviation as a band, as in the paper's Fig. 7; default false, as in its Fig. 6. */
  deviation?: boolean;
  /** Default 640. */
  width?: number;
  /** Default 320. */
  height?: number;
}

const MOST_CLASSES = 8;
const optionNames = ['block', 'classes', 'names', 'channels', 'deviation', 'width', 'height'];

/**
 * Draws the mean gates of a block by class, beside those over all images, as an SVG: the paper's Figures 6 and 7.
 *
 * @throws ArgumentRangeError for a block or class that was not captured
 * @example
 * const excitations = await model.captureExcitations(test, { classes: [1, 254] });
 * const svg = excitationFigure(excitations, { block: 'layer4.2.se', names: imagenetClasses });
 */
export function excitationFigure(excitations: Excitations, options: ExcitationFigureOptions): string {
  checkOptions('excitationFigure', options, optionNames);
  const { block, names = [], channels = 50, deviation = false, width = 640, height = 320 } = options;
  checkWhole('excitationFigure: channels', channels, 1);
  checkFlag('excitationFigure: deviation', deviation);
  const index = excitations.blocks.findIndex(({ name }) => name === block);
  if (index < 0) {
    const known = excitations.blocks.map(({ name }) => name).join(', ');
    throw new ArgumentRangeError(`excitationFigure: block: expected ${known}, received '${String(block)}'`);
  }
  const classes = options.classes ?? [...excitations.classes.keys()].slice(0, MOST_CLASSES);
  if (!Array.isArray(classes))
    throw new ArgumentError('excitationFigure: classes: expected an array of classes');
  const places = spread(excitations.blocks[index]!.channels, channels);
  const seriesOf = (name: string, { blocks }: ClassExcitations): Series => {
    const statistics = blocks[index]!;
    const at = (values: Float64Array) => places.map((channel) => values[channel]!);
    return {
      name,
      x: places,
      y: at(statistics.mean),
      ...(deviation && { band: at(statistics.deviation) }),
    };
  };
  const series = classes.map((label) => {
    const found = excitations.classes.get(label);
    if (found === undefined)
      throw new ArgumentRangeError(`excitationFigure: classes: no images of class ${label} were captured`);
    return seriesOf(names[label] ?? `class ${label}`, found);
  });
  return lineChart([...series, seriesOf('all', excitations.all)], {
    title: block,
    xLabel: 'channel',
    yLabel: 'gate',
    width: checkWhole('excitationFigure: width', width, 100),
    height: checkWhole('excitationFigure: height', height, 100),
  });
}

/** So many of some channels, evenly spread; all of them if there are fewer. */
function spread(channels: number, count: number): number[] {
  if (count >= channels) return Array.from({ length: channels }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.floor((i * channels) / count));
}
