import type { Scope } from "./scope.js";

/** So many at once, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(size: number) {
    this.#free = size;
  }

  /** Undefined when there is one at once. @throws the scope's reason (as a rejection) when it is over before there is one */
  take(scope: Scope): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        leave();
        this.#waiting.delete(enter);
        resolve();
      };
      this.#waiting.add(enter);
      const leave = scope.onOver((reason) => {
        this.#waiting.delete(enter);
        reject(reason);
      });
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else next();
  }
}
