import type { Recording } from "./recording.js";

/** Recorded requests that are not sent, by their path, and why. */
export const notReplayed: readonly { readonly path: RegExp; readonly names?: RegExp; readonly why: string }[] = [
  { path: /^\/api\/worker\/workflow-tasks\//, why: "workflow tasks: this engine runs activities only" },
  {
    path: /^\/api\/workflows(?:\/[^/]+)?$/,
    why: "workflows started, listed or described: this engine runs activities only; the same checks are made on /api/activities",
  },
  { path: /^\/api\/task-queues/, why: "views of task queues are not part of this engine" },
  {
    path: /external-storage$|^\/api\/storage\//,
    why: "where payloads are kept is an option of this engine, not set over its API",
  },
  { path: /./, names: /^1038-/, why: "an id taken by an authored workflow: there are none" },
  { path: /./, names: /^809-/, why: "a token driver without tokens cannot be configured: no tokens are no lock" },
  { path: /./, names: /^81[123]-/, why: "request signatures are not offered as a way to authenticate" },
  { path: /./, names: /^81[678]-/, why: "limits of active leases are not part of this engine" },
];

export function whyNotReplayed({ name, request }: Recording): string | undefined {
  const path = request.path.split("?")[0] ?? "";
  return notReplayed.find((one) => one.path.test(path) && (one.names?.test(name) ?? true))?.why;
}

interface Accepted {
  /** Names of recordings. */
  readonly names: RegExp;
  /** `status`, `reason`, the path of a field that is there or not, or `value of` and a path. */
  readonly path: RegExp;
  /** Of requests to these paths only. */
  readonly requests?: RegExp;
  /** Only where the difference is this. */
  readonly what?: RegExp;
  readonly why: string;
}

const APRIL = /^\d{3}-/;
const ANY = /./;
/** Histories of authored workflows, whose activity this engine ran alone. */
const AUTHORED = /^(?:124|314|408|456|467|470|625|1211|1255|1314|1456|1467|1470)-/;
const CLUSTER_INFO = /^(?:001|002|501|521)-/;

/** Every difference that is meant, and why. One that no recording shows any more fails the test. */
export const accepted: readonly Accepted[] = [
  {
    names: /^(?:108|109|111|113)-/,
    path: /^status$/,
    why: "heartbeat details outside the limits: the engine fails with a bare 500, here the field is named with a 422",
  },
  {
    names: /^(?:601|60[4-9]|610|624)-/,
    path: /^(?:status|reason|message|errors|validation_errors|schema|retryable|task_id|activity_attempt_id|outcome|recorded|error|next_task_id)$|^value of/,
    why: "released servers refuse references to storage of the client's own, in the words that this engine uses",
  },
  {
    names: CLUSTER_INFO,
    path: /^namespace$/,
    why: "added since to say how large payloads are uploaded",
  },
  {
    names: /^(?:453|469)-/,
    path: /^(?:reason|lease_expires_at|value of (?:can_continue|heartbeat_recorded))$/,
    why: "April did not move the heartbeat deadline with a heartbeat; August does, and so does this engine",
  },
  {
    names: /^1281-/,
    path: /^(?:reason|validation_errors|protocol_version|server_capabilities)$/,
    why: "this one answer of August lacks what every other answer of its plane has",
  },
  {
    names: /^45[25]-/,
    path: /^value of (?:processed|enforced)$/,
    why: "follows from that: one silent activity timed out earlier in April",
  },
  {
    names: ANY,
    path: /^server_time$/,
    why: "1.20: leases are renewed, and judged by the server's clock, which a task that is leased out comes with",
  },
  {
    names: ANY,
    path: /^(?:lease_owner|activity_status|attempt_status|task_status)$/,
    why: "1.20: a report that comes too late is told where the attempt stands",
  },
  {
    names: ANY,
    requests: /^\/api\/worker\/(?:register|heartbeat)$/,
    path: /^(?:registration_token|namespace|task_queue|runtime|build_id|capabilities|capability_manifest|status|heartbeat_interval_seconds)$/,
    what: /^not recorded$/,
    why: "1.20: the answer to a registration tells all of it, and workers are told a pace for their heartbeats",
  },
  { names: /^037-/, path: /^stale_after_seconds$/, why: "1.20: heartbeats have an advertised pace" },
  {
    names: /^0(?:39|40)-/,
    path: /(?:^|\.)(?:capabilities|capability_manifest|max_concurrent_worker_sessions|task_slots|process_metrics|heartbeat_interval_seconds)$/,
    why: "1.20: workers tell more of themselves",
  },
  {
    names: /^035-/,
    path: /^(?:value of )?(?:message|(?:validation_)?errors)(?:\.max_concurrent_activity_tasks)?$/,
    why: "1.20: a worker may take no activities, or no workflows; only not neither",
  },
  {
    names: /^1?033-/,
    path: /^status$/,
    what: /^422 recorded, 201 here/,
    why: "1.20 knows the runtimes rust and external, too",
  },
  {
    names: /^150[678]-/,
    path: /^(?:status|value of remediation)$/,
    why: "1.20 takes requests of 1.16, and names its own version where it refuses one",
  },
  { names: APRIL, path: /^value of task\.arguments$/, why: "April framed payloads in another way" },
  { names: /^01[234]-/, path: /^value of remediation$/, why: "April spoke version 1.0 only" },
  { names: /^115-/, path: /^value of/, why: "April knew PHP's codecs too" },
  {
    names: /^01[69]-/,
    path: /^value of remediation$/,
    why: "namespaces are made by an option of this engine, not over its API",
  },
  { names: APRIL, path: /^(?:poll_status|task\.idempotency_key)$/, why: "added to the protocol since April" },
  {
    names: ANY,
    path: /^next_task_id$/,
    why: "recorded for an authored workflow, which a workflow task resumes; an activity alone has nothing to resume",
  },
  {
    names: ANY,
    path: /^task\.retry_policy$/,
    why: "recorded for an authored workflow; the task of a standalone activity always has its policy",
  },
  {
    names: /^(?:120|460|465|1460|1465)-/,
    path: /^(?:value of )?run_closed_(?:reason|at)$/,
    why: "recorded for an authored workflow, which goes on; the host run of an activity closes with it",
  },
  {
    names: /^1?42[37]-/,
    path: /^(?:value of )?task\.arguments$/,
    why: "the replay starts these activities without arguments",
  },
  { names: /^10\d\d-/, path: /^failure$/, why: "added by this engine to the description of an activity" },
  { names: /^10\d\d-/, path: /^longest_wait_seconds$/, why: "added by this engine: a start may wait for the end" },
  {
    names: /^10\d\d-/,
    path: /^(?:activities\[\]\.)?(?:attempts|attempt_state|current_attempt|current_attempt_id|current_attempt_status)$/,
    why: "1.20: descriptions and lists tell of the attempts",
  },
  {
    names: /^1072-/,
    path: /^events\.WorkflowFailed\.payload\.exception\.(?:class|file|line|trace|properties|kind|timeout_type)$/,
    why: "1.20: histories tell of failures without the inside of a runtime",
  },
  {
    names: /^107[45]-/,
    path: /^activities\[\]\.(?:workflow_id|activity_execution_id|activity_status|attempt_count)$/,
    why: "1.20: lists tell more of each activity",
  },
  {
    names: AUTHORED,
    path: /^events\./,
    why: "recorded for an authored workflow: arguments, policies and workflow tasks are the workflow's",
  },
  {
    names: /^10(?:12|58|72)-/,
    path: /\.task\.last_dispatch(?:ed|_attempt)_(?:at)$/,
    why: "the engine's queue driver; here no task is pushed anywhere",
  },
  {
    names: CLUSTER_INFO,
    path: /server_capabilities/,
    why: "what workflow tasks can do is left out or false, idempotent polls for activity tasks are named; in 001 the recording is cut short",
  },
  {
    names: CLUSTER_INFO,
    path: /^(?:bridge_adapter_outcome_contract|structural_limits\.|limits\.max_pending_activities|control_plane\.re(?:sponse|quest)_contract\.|capabilities\.)/,
    why: "contracts, operations and limits of what this engine does not do are not published",
  },
  {
    names: CLUSTER_INFO,
    path: /^(?:engine|capabilities\.standalone_activities|supported_sdk_versions\.rust)$/,
    why: "added by this engine: what it is, and that Rust's SDK works with it",
  },
  {
    names: CLUSTER_INFO,
    path: /external_task_(?:input|result)_contract\.fixtures\.\w+\.example\./,
    why: "the examples are this engine's own; each is valid under the contract and has its own digest",
  },
  {
    names: CLUSTER_INFO,
    path: /^(?:auth_composition_contract|worker_protocol\.(?:external_execution_surface_contract|invocable_carrier_contract|external_task_input_contract))\./,
    why: "prose and outlook of the contracts, and the shape of workflow tasks, are given shorter",
  },
  {
    names: ANY,
    path: /^next_page_cursor$/,
    why: "added by this engine: a page by its cursor does not move when activities start meanwhile",
  },
];
