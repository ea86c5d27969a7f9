import type { StopSignal } from "../time/call-off.js";

/**
 * Waits for something that has been told of the signal itself, and not a moment longer than the signal allows: undici ends a
 * request whose connection is not made yet only once that has been made, or has failed.
 *
 * @throws {DOMException} named `AbortError`, when the signal aborts first
 */
export function unlessAborted<T>(signal: StopSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(new DOMException("The request was called off.", "AbortError"));
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
