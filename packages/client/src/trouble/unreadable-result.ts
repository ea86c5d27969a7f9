import { ClientError } from "../errors/client-error.js";
import type { ActivityHandle } from "../handle.js";

/** A result that cannot be read. */
export function unreadableResult(handle: ActivityHandle<unknown>, why: string, cause?: unknown): ClientError {
  const told = `the activity ${handle.activityId} succeeded, but its result cannot be read: ${why}`;
  return new ClientError("payload_invalid", told, { handle, ...(cause !== undefined && { cause }) });
}
