import type { EngineClient } from "../engine/client.js";
import type { Clock } from "../time/clock.js";

/** A hanging request must not keep free slots from being used. */
const LONGEST_MS = 5;

/**
 * For a poll that had to wait for a slot. Where outcomes are on their way together, their slots are about to be free: one poll
 * asks for tasks for all of them, in the place of two with a few each, and the engine leases those in one transaction. Who has
 * free slots all the time never comes here.
 */
export async function untilReported(
  client: Pick<EngineClient, "mostTasks" | "untilReported">,
  clock: Clock,
  namespace: string,
): Promise<void> {
  const reported = client.mostTasks > 1 ? client.untilReported(namespace) : undefined;
  if (reported === undefined) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.schedule(LONGEST_MS, resolve);
    void reported.then(() => {
      // Their runs end in this turn of the event loop, and let go of their slots.
      setImmediate(() => {
        cancel();
        resolve();
      });
    });
  });
}
