import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, ActivityHandle } from "../handle.js";

/** The time of a wait is up. The activity goes on. */
export function waitTimedOut(
  handle: ActivityHandle<unknown>,
  timeoutMs: number | undefined,
  description: ActivityDescription | undefined,
  trouble: ClientError | undefined,
): ClientError {
  const status = description === undefined ? "" : `; it is ${description.status}, ${description.stage}`;
  const why = trouble === undefined ? "" : `; the engine could not be asked: ${trouble.message}`;
  const told = `the activity ${handle.activityId} has not ended within ${timeoutMs} ms${status}${why}. It goes on.`;
  return new ClientError("wait_timeout", told, {
    retryable: true,
    handle,
    description,
    ...(trouble !== undefined && { cause: trouble }),
  });
}
