import { LEASE_GONE_REASONS } from "@durable-workflow/carrier/protocol";
import { CONTROL_PLANE_VERSION_HEADER, PROTOCOL_VERSION_HEADER } from "./headers.js";
import { CONTROL_PLANE_VERSION } from "./version.js";

/** Every `reason` of an engine: what it means, and what to do about it. */
export const REASONS = {
  unauthorized: "the token is missing or not known",
  forbidden: "the token is of a role that may not do this; roles do not include each other",
  missing_protocol_version: `a worker request needs ${PROTOCOL_VERSION_HEADER}`,
  unsupported_protocol_version: "send the lower of the server's version and your own, of the same major",
  missing_control_plane_version: `the request needs ${CONTROL_PLANE_VERSION_HEADER}: ${CONTROL_PLANE_VERSION}`,
  namespace_not_found: "there is no such namespace",
  unsupported_media_type: "a body needs Content-Type: application/json, and no Content-Encoding",
  malformed_json: "the body is not JSON",
  bad_request: "a header that may stand once is there more than once",
  payload_too_large: "the body is over the server's limit",
  validation_failed: "fields are missing or ill-typed; errors names them",
  external_payload_not_found: "there is no such payload in this namespace",
  external_payload_expired: "the payload was never named by a request in time, or what named it is gone: it is removed",
  external_payload_unauthorized: "the token may not read or write payloads of this namespace",
  external_payload_unavailable:
    "the payloads' storage cannot be reached or written now: the same request may succeed later",
  external_payload_oversized: "the payload is over max_payload_bytes of the engine's manifest",
  external_payload_unsupported: "the reference, the codec or the media type is none that the engine takes",
  external_payload_integrity_mismatch: "the bytes are not those that the size and the hash speak of",
  external_payload_namespace_bytes_exhausted:
    "the namespace has used up its bytes of payloads: again after Retry-After",
  external_payload_namespace_objects_exhausted:
    "the namespace has used up its number of payloads: again after Retry-After",
  external_payload_namespace_quota_unavailable:
    "the server cannot tell what the namespace uses: again after Retry-After",
  external_payload_completion_lease_rejected: "the upload names a lease that is not current",
  external_payload_completion_conflict: "the place in the report is bound to other bytes already",
  external_payload_completion_invalid: "the header that names the report cannot be read",
  external_payload_completion_budget_exhausted: "the lease has uploaded all it may while the storage drains",
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
  unsupported_control_plane_version: `the server speaks another version than ${CONTROL_PLANE_VERSION} of the control plane`,
  not_found: "the server has no such route",
  method_not_allowed: "the route takes other methods; Allow names them",
  worker_not_found: "there is no such registration: it was removed, or never made",
  long_poll_capacity_exhausted: "too many polls are waiting: poll again after Retry-After",
  storage_unavailable: "the server cannot write its storage: the same request may succeed later",
  engine_stopping: "the server is being stopped: the same request may succeed later",
  instance_not_found: "there is no such workflow in this namespace",
  activity_id_reserved_in_namespace: "another namespace has an activity of this id",
  too_many_event_readers: "as many as the engine allows read its events: again after Retry-After",
  task_queue_draining: "the task queue takes no new activities until it is resumed",
  worker_capability_manifest_mismatch: "capability_manifest and capabilities must name the same capabilities",
  worker_capability_protocol_floor_mismatch: "a capability needs a newer worker protocol than the request speaks",
  cooperative_cancellation_protocol_mismatch: "cooperative cancellation needs a newer worker protocol",
  stale_worker_registration: "the registration changed while the poll waited: register again if it is gone, and poll",
  worker_registration_superseded: "the registration was fenced: register under a new worker_id",
  worker_registration_token_not_found: "no registration of this worker ever had this token, or it is forgotten",
  worker_registration_lost_authority: "the worker has registered anew since: this token ends nothing any more",
  worker_registration_receipt_expired: "the registration ended so long ago that its receipt is gone",
  lease_expired: "the lease has run out: stop, and report nothing more",
  heartbeat_timeout: "the attempt was silent for longer than its heartbeat timeout: stop",
  start_to_close_timeout: "the attempt has run out of time: stop",
  schedule_to_close_timeout: "the activity has run out of time: stop",
  activity_attempt_status_unavailable: "the status of an attempt needs a newer worker protocol",
  storage_pressure:
    "the storage takes nothing now, and nothing was recorded: send the same bytes again after Retry-After",
  storage_admission_unavailable: "as storage_pressure, where the server cannot tell how its storage stands",
  backend_unavailable: "the outcome is not known: send the same request again after Retry-After",
  backend_lock_pressure: "the server is too busy: send the same request again after Retry-After",
  service_operations_unavailable: "the server runs activities only, and no service operations",
} as const satisfies Readonly<Record<string, string>>;

/** A machine-readable `reason` of an answer of the engine. */
export type Reason = keyof typeof REASONS;

/** Whoever gets one of these does not hold the lease, or not any more: what it reports is of no interest. */
export const LEASE_GONE: ReadonlySet<string> = new Set<Reason>(LEASE_GONE_REASONS);

/** Engines of several versions say in these words that they do not count a registration any more. */
const REGISTRATION_GONE =
  /^(?:worker_not_(?:registered|found)|worker_stale|(?:stale|unknown)_worker(?:_registration)?|worker_registration_\w+)$/;

/** Whether a reason, or a poll's status, says that the worker has to register again. */
export function isRegistrationGone(reason: string): boolean {
  return REGISTRATION_GONE.test(reason);
}

/** The engine wants another version of the worker protocol. */
export const VERSION_REFUSED: ReadonlySet<string> = new Set<Reason>([
  "missing_protocol_version",
  "unsupported_protocol_version",
]);

/** Whether a text is a reason that is known here. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text);
}

/** What a reason means; undefined for one that is not known here. */
export function reasonExplained(reason: string): string | undefined {
  return isReason(reason) ? REASONS[reason] : undefined;
}
