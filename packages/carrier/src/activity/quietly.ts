/**
 * Calls what others wrote, where nothing it throws, now or later, may cost a task its outcome: a logger, a callback. A
 * promise that it returns is not waited for.
 */
export function quietly(work: () => unknown): void {
  try {
    const pending = work();
    if (isThenable(pending)) pending.then(undefined, () => {});
  } catch {
    // There is nobody left to tell.
  }
}

/** True for promises, and for what only looks like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObjectLike = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObjectLike && typeof (value as { then?: unknown }).then === "function";
}
