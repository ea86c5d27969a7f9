import type { CallerSignal } from "@durable-workflow/carrier";

/** As much of an AbortSignal as runs need: one for all of them, which costs nothing until it is aborted. */
export class StopSignal implements CallerSignal {
  private readonly listeners = new Set<() => void>();
  private ended: { readonly reason: unknown } | undefined;

  get aborted(): boolean {
    return this.ended !== undefined;
  }

  get reason(): unknown {
    return this.ended?.reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.listeners.delete(listener);
  }

  /** Tells those who listen. Later calls change nothing. */
  abort(reason: unknown): void {
    if (this.ended !== undefined) return;
    this.ended = { reason };
    for (const listener of this.listeners) listener();
    this.listeners.clear();
  }
}
