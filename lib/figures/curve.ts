/** Points at most; more would not be seen. */
const POINTS = 400;

/** A curve of values at 1, 2, 3 and so on that keeps few points however long it gets: each is the mean of neighbours. */
export class Curve {
  /** Values so far. */
  count = 0;
  /** Means of `#width` values each. */
  #means: number[] = [];
  #width = 1;
  /** Of the values behind the last mean. */
  #sum = 0;

  /** A curve of some values. */
  static of(values: Iterable<number>): Curve {
    const curve = new Curve();
    for (const value of values) curve.add(value);
    return curve;
  }

  add(value: number): void {
    this.count += 1;
    this.#sum += value;
    if (this.count % this.#width !== 0) return;
    this.#means.push(this.#sum / this.#width);
    this.#sum = 0;
    if (this.#means.length < POINTS) return;
    const pairs = this.#means.length / 2;
    this.#means = Array.from(
      { length: pairs },
      (_, i) => (this.#means[2 * i]! + this.#means[2 * i + 1]!) / 2,
    );
    this.#width *= 2;
  }

  /** The means, each at the place of its last value. */
  get points(): { x: number[]; y: number[] } {
    const x = this.#means.map((_, i) => (i + 1) * this.#width);
    const y = [...this.#means];
    const rest = this.count % this.#width;
    if (rest > 0) {
      x.push(this.count);
      y.push(this.#sum / rest);
    }
    return { x, y };
  }
}
