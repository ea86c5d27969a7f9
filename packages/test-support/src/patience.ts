/**
 * How long anything is waited for before it counts as broken. Generous: what a test means never depends on it, and on a
 * busy machine a process takes seconds to start, and may stand still for as long at any point.
 */
export const PATIENCE_MS = 120_000;

/** What all suites give a test and a hook; vitest's own figures are five and ten seconds, and one for what is polled. */
export const patience = {
  testTimeout: 3 * PATIENCE_MS,
  hookTimeout: 3 * PATIENCE_MS,
  teardownTimeout: PATIENCE_MS,
  expect: { poll: { timeout: PATIENCE_MS } },
};

/**
 * Waits until that holds, and looks again and again.
 *
 * @throws {Error} that it did not come about
 */
export async function until(holds: () => boolean | Promise<boolean>, what = "it", everyMs = 10): Promise<void> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > PATIENCE_MS) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => {
      setTimeout(resolve, everyMs);
    });
  }
}
