/** Resolves once the signal is aborted. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A command was asked to stop before it had begun. It cleans up, and ends as one that has run. */
export class StoppedEarly extends Error {
  override readonly name = "StoppedEarly";

  constructor() {
    super("stopped before it had begun");
  }
}

/**
 * Does what may take for ever, as loading somebody's module or asking an engine, for as long as nobody stops the command. What
 * it has begun then goes on by itself: whoever cleans up must be able to end it.
 *
 * @throws {StoppedEarly} (as a rejection) once the signal is aborted
 */
export async function unlessStopped<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw new StoppedEarly();
  const ended = new AbortController();
  const stop = stopped(AbortSignal.any([signal, ended.signal])).then(() => {
    throw new StoppedEarly();
  });
  try {
    return await Promise.race([work(), stop]);
  } finally {
    stop.catch(() => undefined);
    ended.abort();
  }
}
