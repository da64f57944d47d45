import { expect, test } from 'vitest';
import { ArgumentError, ArgumentRangeError, imagenetClasses, ShapeError, topK } from '../../lib/index.ts';

test('the names of ImageNet', () => {
  expect(imagenetClasses.length).toBe(1000);
  expect(new Set(imagenetClasses).size).toBe(1000);
  expect([0, 1, 281, 404, 999].map((index) => imagenetClasses[index])).toEqual([
    'tench',
    'goldfish',
    'tabby',
    'airliner',
    'toilet tissue',
  ]);
});

test('the largest probabilities first, of equal ones the lower index', () => {
  const probabilities = Float32Array.of(0.125, 0.5, 0.25, 0.125);
  expect(topK(probabilities, 3, ['a', 'b', 'c', 'd'])).toEqual([
    { index: 1, probability: 0.5, name: 'b' },
    { index: 2, probability: 0.25, name: 'c' },
    { index: 0, probability: 0.125, name: 'a' },
  ]);
  expect(topK(probabilities, 9).map(({ name }) => name)).toEqual(['1', '2', '0', '3']);
});

test('wrong use', () => {
  const probabilities = new Float32Array(4);
  expect(() => topK(probabilities, 0)).toThrow(ArgumentRangeError);
  expect(() => topK(probabilities, 1, ['a'])).toThrow(ShapeError);
  expect(() => topK([0.5] as never, 1)).toThrow(ArgumentError);
});
