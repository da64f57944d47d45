/** Drawing ahead: in order, one at a time, and nothing that was drawn is forgotten. */
import { expect, test } from 'vitest';
import { overlap } from '../../lib/train/overlap.ts';

/** Draws pieces of work by number, and logs all that happens to them. */
function pieces(count: number, failAt = -1) {
  const log: string[] = [];
  let next = 0;
  const draw = async () => {
    const number = next;
    next += 1;
    if (number === failAt) throw new Error(`draw ${number}`);
    if (number >= count) return undefined;
    log.push(`draw ${number}`);
    return { number, discard: () => log.push(`discard ${number}`) };
  };
  return { log, draw };
}
const later = () => new Promise((resolve) => setTimeout(resolve, 5));

test('the next one is drawn while one is in work', async () => {
  const { log, draw } = pieces(3);
  await overlap(draw, async ({ number }) => {
    await later();
    log.push(`work ${number}`);
  });
  const done = log.filter((line) => !line.startsWith('discard'));
  expect(done).toEqual(['draw 0', 'draw 1', 'work 0', 'draw 2', 'work 1', 'work 2']);
});

test('nothing to do', async () => {
  const { log, draw } = pieces(0);
  await overlap(draw, async () => {});
  expect(log).toEqual([]);
});

test('work that fails: what was drawn meanwhile is discarded', async () => {
  const { log, draw } = pieces(3);
  const work = async () => {
    await later();
    throw new Error('work');
  };
  await expect(overlap(draw, work)).rejects.toThrow('work');
  expect(log).toEqual(['draw 0', 'draw 1', 'discard 0', 'discard 1']);
});

test('a draw that fails: the work in progress ends first', async () => {
  const { log, draw } = pieces(3, 1);
  const work = async ({ number }: { number: number }) => {
    await later();
    log.push(`work ${number}`);
  };
  await expect(overlap(draw, work)).rejects.toThrow('draw 1');
  expect(log).toEqual(['draw 0', 'work 0', 'discard 0']);
});

test('when both fail, the work tells', async () => {
  const { draw } = pieces(3, 1);
  const work = () => Promise.reject(new Error('work'));
  await expect(overlap(draw, work)).rejects.toThrow('work');
});
