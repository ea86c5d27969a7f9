/**
 * Signals that end a command: the first asks it to stop and to clean up, the second ends it at once. While the terminal is
 * lent to another program, what its keys send to both (Ctrl-C, a SIGINT) is for that program.
 */
export class StopSignals {
  private readonly stopping = new AbortController();
  private readonly exit: (code: number) => void;
  private lent = 0;

  /** @param exit ends the process at once, with the code of a signal */
  constructor(exit: (code: number) => void) {
    this.exit = exit;
  }

  /** Aborted at the first signal. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /** A signal that came, and the code that a process has which it ends. */
  take(signal: string, code: number): void {
    if (signal === "SIGINT" && this.lent > 0) return;
    // The second one means now.
    if (this.stopping.signal.aborted) this.exit(code);
    else this.stopping.abort(signal);
  }

  /** Lends the terminal to another program for as long as the work takes. */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.lent++;
    try {
      return await work();
    } finally {
      this.lent--;
    }
  }
}
