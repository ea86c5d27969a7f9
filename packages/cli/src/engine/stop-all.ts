import { CliError, EXIT } from "../shell/command.js";
import { NotActive } from "./client-errors.js";
import type { ControlPlane } from "./control-plane.js";

const AT_ONCE = 8;

/** What became of one of many. `over`: it had ended before. */
export type StoppedOne =
  | { readonly id: string; readonly outcome: "stopped" | "over" }
  | { readonly id: string; readonly outcome: "failed"; readonly message: string };

export interface StopAll {
  readonly how: "cancel" | "terminate";
  readonly ids: readonly string[];
  readonly reason: string | undefined;
  /** Aborted: those that were not asked for yet are left. */
  readonly signal: AbortSignal;
}

export interface StoppedAll {
  readonly stopped: number;
  readonly over: number;
  readonly failed: number;
  readonly left: number;
}

/**
 * Cancels or terminates many activities, some at once; one that fails does not keep the others.
 *
 * @throws {CliError} when the engine cannot be reached, or does not let us: the others would fare no better
 */
export async function stopAll(
  client: ControlPlane,
  { how, ids, reason, signal }: StopAll,
  onEach: (one: StoppedOne) => void,
): Promise<StoppedAll> {
  const counts = { stopped: 0, over: 0, failed: 0 };
  const waiting = ids.values();
  let fatal: CliError | undefined;
  const work = async (): Promise<void> => {
    for (const id of waiting) {
      if (signal.aborted || fatal !== undefined) return;
      try {
        const one = await stopOne(client, { how, id, reason });
        counts[one.outcome]++;
        onEach(one);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        fatal = error;
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (fatal !== undefined) throw fatal;
  return { ...counts, left: ids.length - counts.stopped - counts.over - counts.failed };
}

async function stopOne(
  client: ControlPlane,
  { how, id, reason }: { readonly how: StopAll["how"]; readonly id: string; readonly reason: string | undefined },
): Promise<StoppedOne> {
  try {
    await client.stop(how, id, reason);
    return { id, outcome: "stopped" };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (error.exitCode === EXIT.unreachable || error.exitCode === EXIT.config) throw error;
    if (error instanceof NotActive) return { id, outcome: "over" };
    return { id, outcome: "failed", message: error.message };
  }
}
