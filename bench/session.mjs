// One run of the benchmarks: its options, who takes part, and what has come out.
import { listContenders } from './contenders/index.mjs';
import { describeMachine } from './machine.mjs';

/** Progress is said on stderr; stdout has results alone. */
export const note = (text) => process.stderr.write(`${text}\n`);

export class Session {
  /** @param options rounds, threads, quick, python, models, filter (a RegExp or undefined) */
  constructor(options) {
    this.options = options;
    this.results = [];
  }

  async open() {
    this.contenders = await listContenders(this.options);
    this.machine = await describeMachine(this.options.threads);
    console.log(JSON.stringify(this.machine));
    return this;
  }

  /** Keeps a result and prints its line. */
  say(result) {
    this.results.push(result);
    console.log(JSON.stringify(result));
  }

  /** Whether --filter wants this; it sees "measure / contender". */
  wants(measure, contender) {
    const { filter } = this.options;
    return filter === undefined || filter.test(`${measure} / ${contender}`);
  }

  /**
   * The contenders that take part in a measure; of the others a line says why they do not.
   *
   * @param work what they would be asked to do
   * @param can a further condition; returns why a contender cannot take part, or undefined
   */
  takingPart(suite, measure, work, can = () => undefined) {
    return this.contenders.filter((contender) => {
      if (!this.wants(measure, contender.name)) return false;
      const skipped = contender.absent ?? contender.cannot(work) ?? can(contender);
      if (skipped !== undefined) this.say({ suite, measure, contender: contender.name, skipped });
      return skipped === undefined;
    });
  }

  /** What --json writes. */
  report() {
    return { ...this.machine, quick: this.options.quick, results: this.results };
  }
}
