import { useEffect, useReducer } from "preact/hooks";

/** A value that tells those who look at it when it changes. */
export class Signal<Value> {
  private current: Value;
  private readonly listeners = new Set<() => void>();

  constructor(initial: Value) {
    this.current = initial;
  }

  get value(): Value {
    return this.current;
  }

  set value(next: Value) {
    if (Object.is(next, this.current)) return;
    this.current = next;
    for (const listener of this.listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }
}

/** The value, read anew whenever it changes. */
export function useSignal<Value>(signal: Signal<Value>): Value {
  const [, again] = useReducer((count: number) => count + 1, 0);
  const drawn = signal.value;
  useEffect(() => {
    const stop = signal.subscribe(() => {
      again(undefined);
    });
    // It may have changed since it was drawn, before anybody listened.
    if (!Object.is(drawn, signal.value)) again(undefined);
    return stop;
  }, [signal]);
  return drawn;
}
