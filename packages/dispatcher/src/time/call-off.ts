/** What those need of an AbortSignal that only wait for it. An AbortSignal is one. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * Calls something off, once. It does what an AbortController and its signal do, for a hundredth of their price: most of what
 * can be called off never is, and needs neither an event nor an error with a stack.
 */
export class CallOff<Reason = undefined> implements StopSignal {
  private called: { readonly reason: Reason } | undefined;
  /** No Set: what was once in one that many pass through lives until the whole heap is collected. */
  private listeners: (() => void)[] | undefined;
  private controller: AbortController | undefined;

  get aborted(): boolean {
    return this.called !== undefined;
  }

  /** Undefined until it was called off. */
  get reason(): Reason | undefined {
    return this.called?.reason;
  }

  /** Each is called once. */
  addEventListener(_type: "abort", listener: () => void): void {
    if (this.called !== undefined || this.listeners?.includes(listener) === true) return;
    (this.listeners ??= []).push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const at = this.listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.listeners?.splice(at, 1);
  }

  /** The first call counts. */
  abort(reason: Reason): void {
    if (this.called !== undefined) return;
    this.called = { reason };
    const { listeners } = this;
    this.listeners = undefined;
    this.controller?.abort(reason);
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  /** For what takes nothing else. Always the same. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.called !== undefined) this.controller.abort(this.called.reason);
    }
    return this.controller.signal;
  }
}

/** An AbortSignal that is aborted when this one is. */
export function abortSignalOf(signal: StopSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  if (signal instanceof CallOff) return signal.signal;
  const controller = new AbortController();
  if (signal.aborted) controller.abort(signal.reason);
  else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  return controller.signal;
}
