import { onAbort } from "./scope.js";

/** So many at once, first come, first served. */
export class Slots {
  private free: number;
  private readonly waiting = new Set<() => void>();

  constructor(size: number) {
    this.free = size;
  }

  /** Undefined when there is one at once. @throws the signal's reason (as a rejection) when it is aborted before there is one */
  take(signal: AbortSignal): Promise<void> | undefined {
    if (this.free > 0) {
      this.free--;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        stopListening();
        this.waiting.delete(enter);
        resolve();
      };
      this.waiting.add(enter);
      const stopListening = onAbort(signal, (reason) => {
        this.waiting.delete(enter);
        reject(reason);
      });
    });
  }

  give(): void {
    const [next] = this.waiting;
    if (next === undefined) this.free++;
    else next();
  }
}
