/** Says something to a logger that may throw, or turn out to be asynchronous and reject: neither is to cost a task. */
export function tell(log: () => unknown): void {
  try {
    Promise.resolve(log()).catch(() => {});
  } catch {
    // There is nobody left to tell.
  }
}
