/** Typed reading of op attributes for the reference. */
import type { Attributes } from '../../lib/ir/graph.ts';

export function numberOf(attributes: Attributes, name: string): number {
  const value = attributes[name];
  if (typeof value !== 'number') throw new Error(`attribute ${name}: expected a number, received ${value}`);
  return value;
}

/** An absent flag is false. */
export function flagOf(attributes: Attributes, name: string): boolean {
  const value = attributes[name] ?? false;
  if (typeof value !== 'boolean') throw new Error(`attribute ${name}: expected a boolean, received ${value}`);
  return value;
}

export function textOf(attributes: Attributes, name: string): string {
  const value = attributes[name];
  if (typeof value !== 'string') throw new Error(`attribute ${name}: expected a string, received ${value}`);
  return value;
}

export function listOf(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name];
  if (typeof value !== 'object') throw new Error(`attribute ${name}: expected a list, received ${value}`);
  return value;
}

/** An attribute [vertical, horizontal]. */
export function pairOf(attributes: Attributes, name: string): [number, number] {
  const [first, second] = listOf(attributes, name);
  if (first === undefined || second === undefined) throw new Error(`attribute ${name}: expected two numbers`);
  return [first, second];
}

/** The attribute `padding`: [top, bottom, left, right]. */
export function paddingOf(attributes: Attributes): [number, number, number, number] {
  const [top, bottom, left, right] = listOf(attributes, 'padding');
  if (top === undefined || bottom === undefined || left === undefined || right === undefined) {
    throw new Error('attribute padding: expected four numbers');
  }
  return [top, bottom, left, right];
}
