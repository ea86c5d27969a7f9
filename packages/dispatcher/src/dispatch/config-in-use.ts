import { type ExecutorConfig, resolveActivity } from "@durable-workflow/engine-protocol/executor-config";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { CredentialStore } from "../delivery/credentials.js";

/** What tasks are delivered by at some time; a reload puts another one in its place. */
export interface ConfigInUse {
  /** Undefined where only the engine's mapping counts. */
  readonly config: ExecutorConfig | undefined;
  readonly credentials: CredentialStore;
  /** What has been said of it, and need not be said again. */
  readonly told: Set<string>;
}

/**
 * What a task is delivered by: what is in use now, unless only what was in use as its poll began maps the activity. An engine
 * may hand out a task of an activity that was taken off the config while the poll was held; it is not failed for that.
 */
export function inUseFor(
  { taskQueue, activityType }: LeasedTask,
  now: ConfigInUse,
  asPolled: ConfigInUse | undefined,
): ConfigInUse {
  const maps = (inUse: ConfigInUse | undefined): inUse is ConfigInUse =>
    inUse?.config !== undefined && resolveActivity(inUse.config, taskQueue, activityType) !== undefined;
  return !maps(now) && maps(asPolled) ? asPolled : now;
}
