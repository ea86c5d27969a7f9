import type { Activity, DeadlineKind, Micros } from "./model.js";

/** What has to be done to an activity without anybody asking. */
export type DueAction =
  | { readonly kind: "time_out"; readonly deadline: DeadlineKind; readonly at: Micros }
  | { readonly kind: "expire_lease"; readonly at: Micros };

/** When something has to be done to it next, or null when nothing ever will. */
export function dueAt(activity: Activity): Micros | null {
  let next: Micros | null = null;
  for (const { at } of pendingActions(activity)) {
    if (next === null || at < next) next = at;
  }
  return next;
}

/**
 * What is due by now. A passed `schedule_to_close` comes first, as it ends the activity whatever else has passed; of the
 * rest the earliest, which is what would have been done had the engine been running then.
 */
export function dueAction(activity: Activity, now: Micros): DueAction | undefined {
  let first: DueAction | undefined;
  for (const action of pendingActions(activity)) {
    if (action.at > now) continue;
    if (action.kind === "time_out" && action.deadline === "schedule_to_close") return action;
    if (first === undefined || action.at < first.at) first = action;
  }
  return first;
}

function pendingActions(activity: Activity): readonly DueAction[] {
  if (activity.status !== "running") return [];
  const actions: DueAction[] = [];
  const deadline = (kind: DeadlineKind, at: Micros | null): void => {
    if (at !== null) actions.push({ kind: "time_out", deadline: kind, at });
  };
  deadline("schedule_to_close", activity.scheduleToCloseAt);
  if (activity.activityStatus === "pending") {
    // A task whose lease ran out has been started: that deadline was met.
    if (activity.task.leasedAt === null) deadline("schedule_to_start", activity.scheduleToStartAt);
  } else {
    deadline("start_to_close", activity.startToCloseAt);
    deadline("heartbeat", activity.heartbeatAt);
    const { leaseExpiresAt } = activity.task;
    if (leaseExpiresAt !== null) actions.push({ kind: "expire_lease", at: leaseExpiresAt });
  }
  return actions;
}
