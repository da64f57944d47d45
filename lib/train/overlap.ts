/** Work that waits for its turn. */
export interface Staged {
  /** Gives the work up; does nothing for work that was done. */
  discard(): void;
}

/**
 * Does one piece of work after the other, and draws the next one meanwhile. When either fails, the work in progress ends
 * first, so that all is at rest when the error arrives; work that was drawn and not begun is discarded.
 *
 * @param draw The next piece of work, or undefined after the last.
 */
export async function overlap<T extends Staged>(
  draw: () => Promise<T | undefined>,
  work: (staged: T) => Promise<void>,
): Promise<void> {
  let staged = await draw();
  while (staged !== undefined) {
    const working = work(staged);
    const [done, drawn] = await Promise.allSettled([working, draw()]);
    staged.discard();
    if (done.status === 'rejected') {
      if (drawn.status === 'fulfilled') drawn.value?.discard();
      throw done.reason;
    }
    if (drawn.status === 'rejected') throw drawn.reason;
    staged = drawn.value;
  }
}
