// Runs contenders against each other: each in its own process, in interleaved rounds, so that a change of the
// machine's speed meets all of them alike. Results are medians, and ratios taken round by round.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export const median = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A contender's process; speaks the line protocol that bench/peers/pytorch.py describes. */
export class Contender {
  constructor(name, command, env = {}) {
    this.name = name;
    const [program, ...args] = command;
    this.child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.errors = '';
    this.child.stderr.on('data', (chunk) => {
      this.errors += chunk;
    });
    this.failed = new Promise((_, reject) => {
      this.child.on('error', reject);
      this.child.on('close', () => reject(new Error(`${name} ended: ${this.errors.slice(-500)}`)));
    });
    this.failed.catch(() => undefined);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async answer() {
    for (;;) {
      const { value, done } = await Promise.race([this.lines.next(), this.failed]);
      if (done) throw new Error(`${this.name} said nothing more: ${this.errors.slice(-500)}`);
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }

  async ask(line) {
    this.child.stdin.write(`${line}\n`);
    return this.answer();
  }

  async ready() {
    this.info = await this.answer();
    return this;
  }

  stop() {
    this.child.removeAllListeners('close');
    this.child.stdin.end('exit\n');
    setTimeout(() => this.child.kill('SIGKILL'), 2000).unref();
  }
}

/**
 * Takes rounds in turn.
 *
 * @param contenders ready ones
 * @param options.rounds rounds that count; in each, every contender runs `perTurn` iterations after one that is dropped
 * @returns times[name] = one time per round, the median of its turn
 */
export async function interleave(contenders, { rounds, perTurn = 1, drop = 1, pauseMs = 200 }) {
  const times = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    // The order turns round, so that nobody always follows the same neighbour.
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) {
      await rest(pauseMs);
      const turn = [];
      for (let i = 0; i < drop + perTurn; i += 1) {
        const { ms } = await contender.ask('run');
        if (i >= drop) turn.push(ms);
      }
      times[contender.name].push(median(turn));
    }
  }
  return times;
}

/** Median and spread of a contender's times, and its ratio to another's, round by round. */
export function compare(times, name, against) {
  const ratios = times[name].map((ms, i) => ms / times[against][i]);
  return {
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    ms: median(times[name]),
    againstMs: median(times[against]),
  };
}
