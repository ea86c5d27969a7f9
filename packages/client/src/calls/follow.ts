import type { Clock } from "@durable-workflow/carrier";
import { runReplaced } from "../ends/outcome.js";
import type { ActivityDescription, ActivityHandle, WaitOptions } from "../handle.js";

/** What has changed of an activity, from now on until it has ended. @throws {ClientError} */
export async function* follow(
  handle: ActivityHandle<unknown>,
  clock: Clock,
  options: WaitOptions,
  wait: (options: WaitOptions, until: (description: ActivityDescription) => boolean) => Promise<ActivityDescription>,
): AsyncGenerator<ActivityDescription> {
  const ends = options.timeoutMs === undefined ? undefined : clock.monotonic() + options.timeoutMs;
  let seen = "";
  for (;;) {
    const left = ends === undefined ? {} : { timeoutMs: Math.max(0, ends - clock.monotonic()) };
    const description = await wait({ ...options, ...left }, (now) => stateOf(now) !== seen);
    if (handle.runId !== undefined && handle.runId !== description.runId) throw runReplaced(handle);
    seen = stateOf(description);
    yield description;
    if (description.status !== "running") return;
  }
}

function stateOf({ runId, status, stage, attempts, lastHeartbeatAt, raw }: ActivityDescription): string {
  return [runId, status, stage, attempts, lastHeartbeatAt, raw["last_progress_at"]].join(" ");
}
