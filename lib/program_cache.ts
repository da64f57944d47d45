/** The programs of a model, made when they are first needed; those used last are kept. */
import type { Program } from './program.ts';

/** Programs kept at once; the one that was not used for longest goes first. */
const KEPT_PROGRAMS = 6;

/** A program and how many are using it, which keeps it. */
interface KeptProgram {
  readonly program: Promise<Program>;
  users: number;
}

export class ProgramCache {
  /** In order of last use. */
  readonly #kept = new Map<string, KeptProgram>();

  /** Does something with the program of a key, which is made if it is not there, and kept until that is done. */
  async using<R>(
    key: string,
    make: () => Promise<Program>,
    action: (program: Program) => Promise<R>,
  ): Promise<R> {
    const kept = this.#kept.get(key) ?? { program: make(), users: 0 };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    kept.users += 1;
    try {
      const program = await kept.program.catch((error: unknown) => {
        if (this.#kept.get(key) === kept) this.#kept.delete(key);
        throw error;
      });
      return await action(program);
    } finally {
      kept.users -= 1;
      this.#dropSurplus();
    }
  }

  dispose(): void {
    for (const key of [...this.#kept.keys()]) this.#drop(key);
  }

  #dropSurplus(): void {
    const idle = [...this.#kept].filter(([, { users }]) => users === 0);
    const surplus = Math.max(0, this.#kept.size - KEPT_PROGRAMS);
    for (const [key] of idle.slice(0, surplus)) this.#drop(key);
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    kept?.program.then(
      (program) => program.dispose(),
      () => undefined,
    );
  }
}
