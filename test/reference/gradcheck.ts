/** Gradients against central differences, in float64. */
import { Random } from '../helpers/random.ts';
import { given, map, type RefTensor, type Slots, tensor } from './tensor.ts';

const step = 1e-6;
const atol = 1e-5;
const rtol = 1e-3;

export interface GradcheckResult {
  /** Comparisons made: elements, and one random direction per input. */
  compared: number;
  /** Largest |numeric - analytic| / (atol + rtol |analytic|); at most 1. */
  worst: number;
  /** Whether a gradient was other than zero. */
  alive: boolean;
}

export interface Gradcheck {
  /** The function; its result is weighted with `dy` and summed. */
  forward(inputs: Slots): RefTensor;
  inputs: Slots;
  /** Input positions to check, and the gradient for each. */
  positions: readonly number[];
  analytic: Slots;
  dy: RefTensor;
  /** Elements of each input that are moved one by one, spread evenly. */
  elements?: number;
}

/** Values of a standard normal distribution in the shape of `like`. */
export const randomLike = (like: RefTensor, random: Random): RefTensor => map(like, () => random.normal());

const dot = (a: RefTensor, b: RefTensor): number =>
  a.data.reduce((sum, value, i) => sum + value * b.data[i]!, 0);

/**
 * Compares single elements of each gradient, and the slope along one random direction, which all elements share.
 *
 * @throws at the first difference above atol + rtol |analytic|.
 */
export function gradcheck({
  forward,
  inputs,
  positions,
  analytic,
  dy,
  elements = 24,
}: Gradcheck): GradcheckResult {
  const random = new Random('direction');
  const result: GradcheckResult = { compared: 0, worst: 0, alive: false };
  for (const position of positions) {
    const x = given(inputs, position, 'gradcheck');
    const gradient = given(analytic, position, `gradient ${position}`);
    const along = (direction: RefTensor): number => {
      const shifted = (sign: number): number => {
        const moved = map(x, (value, i) => value + sign * step * direction.data[i]!);
        return dot(forward(inputs.map((input, i) => (i === position ? moved : input))), dy);
      };
      return (shifted(1) - shifted(-1)) / (2 * step);
    };
    const check = (direction: RefTensor, where: string): void => {
      const numeric = along(direction);
      const expected = dot(gradient, direction);
      const error = Math.abs(numeric - expected) / (atol + rtol * Math.abs(expected));
      if (!(error <= 1))
        throw new Error(`input ${position}, ${where}: numeric ${numeric}, analytic ${expected}`);
      result.compared++;
      result.worst = Math.max(result.worst, error);
    };
    const count = x.data.length;
    const moved = Math.min(elements, count);
    for (let k = 0; k < moved; k++) {
      const index = Math.floor((k * count) / moved);
      const unit = tensor(x.shape);
      unit.data[index] = 1;
      check(unit, `element ${index}`);
    }
    check(randomLike(x, random), 'random direction');
    result.alive ||= gradient.data.some((value) => value !== 0);
  }
  return result;
}
