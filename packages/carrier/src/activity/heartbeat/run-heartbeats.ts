import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";
import { ActivityCancelled, AttemptClosed } from "../errors.js";
import { bindLogger, taskFields } from "../logger.js";
import type { HeartbeatSender } from "./heartbeat-sender.js";
import { startHeartbeats } from "./heartbeats.js";
import type { HeartbeatRun, Heartbeats } from "./part.js";
import { postpone } from "./postpone.js";

/**
 * The heartbeats of a run and what they do to it: an accepted one moves the lease and the heartbeat deadline, one that
 * must not go on ends the run. Nothing is set up before the first, unless they are automatic. Where the caller renews the
 * lease none is sent automatically.
 *
 * How long the heartbeat timeout is no envelope says, only when it first ends. What is left of it on receipt is taken for
 * it: a little less than it is.
 */
export function createRunHeartbeats(parts: HeartbeatRun, sender: HeartbeatSender, isAutomatic: boolean): Heartbeats {
  const { input, deadlines, run, settings } = parts;
  const { clock } = settings;
  const logger = bindLogger(settings.logger, taskFields(input));
  const { task, lease } = input;
  const isRenewed = lease.renewedBy !== null;
  const firstDeadline = deadlines.at("deadlines.heartbeat");
  const timeoutMs = firstDeadline === undefined ? undefined : firstDeadline - parts.receivedAt;
  const automatic = isAutomatic && !isRenewed;
  let started: Heartbeats | undefined;

  const start = (): Heartbeats =>
    startHeartbeats({
      clock,
      logger,
      sender,
      task: {
        taskId: task.id,
        attemptId: task.activityAttemptId,
        leaseOwner: lease.owner,
        endpoint: lease.heartbeatEndpoint,
      },
      timeoutMs,
      leaseLeftMs: () => (isRenewed ? Number.POSITIVE_INFINITY : deadlines.at("lease.expires_at")! - clock.now()),
      automatic,
      onAccepted({ leaseExpiresAt }, sentAt) {
        if (leaseExpiresAt !== undefined)
          postpone(deadlines, "lease.expires_at", leaseExpiresAt.getTime() + (deadlines.skewMs ?? 0));
        if (timeoutMs !== undefined) postpone(deadlines, "deadlines.heartbeat", sentAt + timeoutMs);
        run.moveDeadline(deadlines.first(true));
      },
      onStop({ cancelRequested, reason }) {
        run.abort(
          cancelRequested
            ? new ActivityCancelled(`The engine asked the activity to stop: ${reason ?? "cancel_requested"}.`)
            : new AttemptClosed(reason ?? "attempt_closed"),
        );
      },
    });

  if (automatic) started = start();
  let stopped = false;
  return {
    heartbeat(progress?: HeartbeatProgress) {
      if (!stopped) (started ??= start()).heartbeat(progress);
    },
    stop() {
      stopped = true;
      started?.stop();
    },
  };
}
