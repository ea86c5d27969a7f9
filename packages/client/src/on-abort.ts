/** Told once when a signal is aborted. */
export type OnAbort = (reason: unknown) => void;

interface Watched {
  readonly callbacks: Set<OnAbort>;
  readonly listener: () => void;
}

const watched = new WeakMap<AbortSignal, Watched>();

/**
 * Calls back when a signal is aborted, at once if it is. One listener on a signal, however many calls share it: Node warns of
 * eleven, and `AbortSignal.any` leaves something on signals that live long.
 *
 * @returns stops listening
 */
export function onAbort(signal: AbortSignal, callback: OnAbort): () => void {
  if (signal.aborted) {
    callback(signal.reason);
    return () => {};
  }
  let entry = watched.get(signal);
  if (entry === undefined) {
    const callbacks = new Set<OnAbort>();
    const listener = (): void => {
      for (const each of callbacks) each(signal.reason);
    };
    entry = { callbacks, listener };
    watched.set(signal, entry);
    signal.addEventListener("abort", listener, { once: true });
  }
  const { callbacks, listener } = entry;
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0 || watched.get(signal)?.callbacks !== callbacks) return;
    watched.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}
