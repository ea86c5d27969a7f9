import type { CallerSignal } from "../caller-signal.js";

/**
 * Waits for one thing, or for the end of the run: undefined then. Everything set up is taken down on both paths.
 *
 * @param start sets up what is waited for, and returns what takes it down; must not call `done` before it returns
 */
export function unlessAborted<T>(
  signal: CallerSignal,
  start: (done: (value: T) => void) => () => void,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const settle = (value: T | undefined): void => {
      signal.removeEventListener("abort", end);
      stop();
      resolve(value);
    };
    const end = (): void => settle(undefined);
    const stop = start(settle);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
