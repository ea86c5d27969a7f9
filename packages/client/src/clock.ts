import type { Clock } from "@durable-workflow/carrier";
import type { Scope } from "./scope.js";

/** The system's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, callback, options) {
    const timer: unknown = setTimeout(callback, delayMs);
    // Browsers and workers number their timers.
    if (options?.background === true && typeof timer === "object") (timer as { unref?(): void }).unref?.();
    return () => {
      clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
    };
  },
};

/** @throws the scope's reason (as a rejection) when it is over before */
export function sleep(clock: Clock, ms: number, scope: Scope): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(ms, () => {
      leave();
      resolve();
    });
    const leave = scope.onOver((reason) => {
      cancel();
      reject(reason);
    });
  });
}

/** A quarter more or less, so that many do not come at once. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}
