import { type FileHandle, open } from 'node:fs/promises';

/**
 * Runs `before` ahead of every call of a method of open files, until the returned function is called. It may throw
 * in place of the call or change the arguments.
 */
export async function interceptCalls(
  method: 'read' | 'write' | 'sync',
  before: (call: { handle: FileHandle; number: number; args: unknown[] }) => void | Promise<void>,
): Promise<() => void> {
  const handle = await open('/dev/null');
  await handle.close();
  const methods: object = Object.getPrototypeOf(handle);
  const original: unknown = Reflect.get(methods, method);
  if (typeof original !== 'function') throw new Error(`open files have no method ${method}`);
  const replace = (value: unknown) =>
    Object.defineProperty(methods, method, { value, configurable: true, writable: true });
  let number = 0;
  replace(async function (this: FileHandle, ...args: unknown[]) {
    await before({ handle: this, number: ++number, args });
    return Reflect.apply(original, this, args);
  });
  return () => replace(original);
}

/** An error as the operating system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code, errno: -1, syscall: 'simulated' });
}
