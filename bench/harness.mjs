// Runs contenders against each other: each in its own process, in interleaved rounds, so that a change of the
// machine's speed meets all of them alike.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { median } from './statistics.mjs';

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Iterations that take longer are not repeated within a turn, and in few rounds: nothing is learned by waiting. */
const SLOW_MS = 5000;
const SLOW_ROUNDS = 3;

/** The line of an error in what a process wrote, without the stack around it. */
function reasonIn(text) {
  const lines = text.split('\n').map((line) => line.trim());
  const reason = lines.findLast((line) => /^\w*(Error|Exception)\b.*:/.test(line)) ?? lines.findLast(Boolean);
  return reason === undefined ? '' : `: ${reason.slice(0, 300)}`;
}

/** A contender's process; speaks the line protocol that bench/peers/pytorch.py describes. */
export class Contender {
  constructor(name, command, env = {}, runtime = undefined) {
    this.name = name;
    this.runtime = runtime;
    const [program, ...args] = command;
    this.started = performance.now();
    this.child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.errors = '';
    this.child.stderr.on('data', (chunk) => {
      this.errors = (this.errors + chunk).slice(-4000);
    });
    // A process that has ended cannot be written to; that it ended is reported below.
    this.child.stdin.on('error', () => undefined);
    this.failed = new Promise((_, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) =>
        reject(new Error(`${name} ended (${signal ?? code})${reasonIn(this.errors)}`)),
      );
    });
    this.failed.catch(() => undefined);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async answer() {
    for (;;) {
      const { value, done } = await Promise.race([this.lines.next(), this.failed]);
      if (done) return await this.failed;
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }

  async ask(line) {
    this.child.stdin.write(`${line}\n`);
    return this.answer();
  }

  /** Waits for the line that says it is warm; `startMs` is the time from the start of its process to then. */
  async ready() {
    this.info = await this.answer();
    this.startMs = performance.now() - this.started;
    return this;
  }

  /** Bytes of memory it has held at most, as the kernel counts; undefined where there is no /proc, and of a browser. */
  peakBytes() {
    if (this.runtime === 'browser') return undefined;
    try {
      const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
      return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]);
    } catch {
      return undefined;
    }
  }

  /** Ends the process, and waits until it has gone: its memory and its cores are the next one's. */
  async stop() {
    this.child.removeAllListeners('close');
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined)
      return;
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin.end('exit\n');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 2000);
    await closed;
    clearTimeout(timer);
  }
}

/** Whether a contender that is ready takes seconds for an iteration. */
export const isSlow = ({ info }) => info?.warmMs > SLOW_MS;

/** One contender's turn: the median of its iterations. */
async function takeTurn(contender, { perTurn, drop, request }) {
  const slow = isSlow(contender);
  const turn = [];
  for (let i = 0; i < (slow ? 1 : drop + perTurn); i += 1) {
    const { ms } = await contender.ask(request);
    if (slow || i >= drop) turn.push(ms);
  }
  return median(turn);
}

/**
 * Takes rounds in turn. A contender that fails is left out from there on, with its earlier times.
 *
 * @param contenders ready ones
 * @param options.rounds rounds that count; in each, every contender runs `perTurn` iterations after one that is dropped.
 *   One whose iteration takes seconds runs one in each of the first three rounds.
 * @returns times[name] = one time per round, the median of its turn; failures[name] = why it left
 */
export async function interleave(contenders, options) {
  const { rounds, perTurn = 1, drop = 1, pauseMs = 200, request = 'run' } = options;
  const times = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  const failures = {};
  for (let round = 0; round < rounds; round += 1) {
    // The order turns round, so that nobody always follows the same neighbour.
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) {
      const { name } = contender;
      if (name in failures || (isSlow(contender) && round >= SLOW_ROUNDS)) continue;
      await rest(pauseMs);
      try {
        times[name].push(await takeTurn(contender, { perTurn, drop, request }));
      } catch (error) {
        failures[name] = error.message;
      }
    }
  }
  return { times, failures };
}
