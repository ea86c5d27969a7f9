/** What an engine means by `reason`, and what to do about it. */
const REASONS: Readonly<Record<string, string>> = {
  unauthorized: "the token is missing or not known",
  forbidden: "the token is of a role that may not do this; roles do not include each other",
  missing_protocol_version: "a worker request needs X-Durable-Workflow-Protocol-Version",
  unsupported_protocol_version: "send the lower of the server's version and your own, of the same major",
  missing_control_plane_version: "the request needs X-Durable-Workflow-Control-Plane-Version: 2",
  namespace_not_found: "there is no such namespace",
  unsupported_media_type: "a body needs Content-Type: application/json",
  malformed_json: "the body is no JSON",
  payload_too_large: "the body is over the server's limit",
  validation_failed: "fields are missing or ill-typed; errors names them",
  worker_not_registered: "register again, then repeat",
  task_queue_mismatch: "the worker registered for another queue",
  build_id_mismatch: "the worker registered with another build id",
  worker_draining: "the engine wants this worker to stop polling",
  task_not_found: "there is no such task in this namespace",
  attempt_not_found: "there is no such attempt; ids are compared letter for letter, capitals too",
  task_mismatch: "the attempt belongs to another task: a retry has a new task id",
  lease_owner_mismatch: "another worker holds the task",
  stale_attempt: "the attempt is closed already, maybe by an earlier request of yours whose answer was lost",
  attempt_closed: "the attempt is closed: stop, and report nothing more",
  run_cancelled: "the run was cancelled: stop",
  run_terminated: "the run was terminated: stop",
  activity_not_found: "there is no such activity in this namespace",
};

export function reasonExplained(reason: string): string | undefined {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
}
