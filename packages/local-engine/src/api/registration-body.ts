import {
  acceptsVersion,
  type CapabilityManifestEntry,
  HEARTBEAT_INTERVAL_SECONDS,
  LONGEST_NAME,
  MANIFEST_CAPABILITIES,
  type ProcessMetrics,
  type Reason,
  SINCE,
  speaks,
  type TaskSlots,
} from "@durable-workflow/engine-protocol";
import { WORKER_RUNTIMES } from "@durable-workflow/engine-protocol/worker";
import { type Call, type JsonObject, ReplyError } from "../http/call.js";
import { Fields, isObject } from "../http/fields.js";
import type { RegistrationRequest } from "../service/registrations.js";
import type { ToldByHeartbeat } from "../store/records.js";

const DEFAULT_TASKS = 100;
const DEFAULT_SESSIONS = 10;
const MOST_MANIFEST_ENTRIES = 64;
const COOPERATIVE = "cooperative_cancellation";
const SOME_TASKS =
  "At least one of max_concurrent_workflow_tasks or max_concurrent_activity_tasks must be greater than 0.";

/**
 * The body of a registration.
 *
 * @throws {ReplyError} 422 for what cannot be read, 409 where the capabilities contradict each other or the version
 */
export function readRegistration({ body, namespace, protocolVersion = "" }: Call): RegistrationRequest {
  const fields = new Fields();
  const workerId = fields.segment(body, "worker_id", { max: LONGEST_NAME });
  const taskQueue = fields.segment(body, "task_queue", { required: true, max: LONGEST_NAME });
  const runtime = fields.string(body, "runtime", { required: true, oneOf: WORKER_RUNTIMES });
  const sdkVersion = fields.string(body, "sdk_version", { max: 64 });
  const buildId = fields.string(body, "build_id", { max: LONGEST_NAME });
  const workflowTypes = fields.strings(body, "supported_workflow_types", LONGEST_NAME);
  const activityTypes = fields.strings(body, "supported_activity_types", LONGEST_NAME);
  const capabilities = fields.strings(body, "capabilities", LONGEST_NAME);
  const manifest = readManifest(fields, body, speaks(protocolVersion, "capabilityManifest"));
  const tasks = (name: string): number => fields.integer(body, name, { min: 0 }) ?? DEFAULT_TASKS;
  const maxWorkflowTasks = tasks("max_concurrent_workflow_tasks");
  const maxActivityTasks = tasks("max_concurrent_activity_tasks");
  if (maxWorkflowTasks === 0 && maxActivityTasks === 0) {
    for (const name of ["max_concurrent_workflow_tasks", "max_concurrent_activity_tasks"]) fields.add(name, SOME_TASKS);
  }
  const maxWorkerSessions = fields.integer(body, "max_concurrent_worker_sessions", { min: 1 }) ?? DEFAULT_SESSIONS;
  const told = readTold(fields, body);
  fields.check();
  checkCapabilities(capabilities ?? [], manifest, protocolVersion);
  return {
    namespace,
    workerId: workerId === undefined || workerId === "" ? null : workerId,
    taskQueue: taskQueue ?? "",
    runtime: runtime ?? "",
    sdkVersion: sdkVersion ?? null,
    buildId: buildId === undefined || buildId === "" ? null : buildId,
    workflowTypes: workflowTypes ?? [],
    activityTypes: [...new Set(activityTypes)],
    maxWorkflowTasks,
    maxActivityTasks,
    processIdentity: identityOf(told.processMetrics),
    capabilities: [...new Set(capabilities)],
    capabilityManifest: manifest,
    maxWorkerSessions,
    ...told,
  };
}

/** What registrations and heartbeats tell of a worker's process. */
export function readTold(fields: Fields, body: JsonObject): ToldByHeartbeat {
  const { least: min, most: max } = HEARTBEAT_INTERVAL_SECONDS;
  return {
    taskSlots: readSlots(fields, body),
    processMetrics: readMetrics(fields, body),
    heartbeatInterval: fields.integer(body, "heartbeat_interval_seconds", { min, max }) ?? null,
  };
}

function readSlots(fields: Fields, body: JsonObject): TaskSlots | null {
  const given = fields.object(body, "task_slots");
  if (given === undefined) return null;
  const free = (name: keyof TaskSlots): TaskSlots => {
    const count = fields.integer(given, name, { min: 0 }, "task_slots.");
    return count === undefined ? {} : { [name]: count };
  };
  return { ...free("workflow_available"), ...free("activity_available"), ...free("session_available") };
}

function readMetrics(fields: Fields, body: JsonObject): ProcessMetrics | null {
  const given = fields.object(body, "process_metrics");
  if (given === undefined) return null;
  const prefix = "process_metrics.";
  const text = (name: keyof ProcessMetrics, max: number): ProcessMetrics => {
    const value = fields.string(given, name, { max }, prefix);
    return value === undefined ? {} : { [name]: value };
  };
  const whole = (name: keyof ProcessMetrics): ProcessMetrics => {
    const value = fields.integer(given, name, { min: 0 }, prefix);
    return value === undefined ? {} : { [name]: value };
  };
  const cpu = fields.amount(given, "cpu_percent", prefix);
  return {
    ...text("host", LONGEST_NAME),
    ...whole("process_id"),
    ...text("process_started_at", 64),
    ...whole("process_uptime_seconds"),
    ...whole("memory_bytes"),
    ...(cpu === undefined ? {} : { cpu_percent: cpu }),
  };
}

/** What tells a process from the next: host, id and start, as far as they are told; null where none is. */
function identityOf(metrics: ProcessMetrics | null): string | null {
  const { host, process_id: id, process_started_at: startedAt } = metrics ?? {};
  const parts = [host?.trim() ?? "", id ?? "", startedAt?.trim() ?? ""];
  return parts.every((part) => part === "") ? null : JSON.stringify(parts);
}

type Manifest = Readonly<Record<string, CapabilityManifestEntry>>;

function readManifest(fields: Fields, body: JsonObject, required: boolean): Manifest {
  const name = "capability_manifest";
  const given = fields.object(body, name, { required });
  if (given === undefined) return {};
  const missing = MANIFEST_CAPABILITIES.filter((capability) => given[capability] === undefined);
  if (missing.length > 0) {
    fields.add(name, `The capability manifest field must contain entries for: ${MANIFEST_CAPABILITIES.join(", ")}.`);
  }
  const entries = Object.entries(given);
  if (entries.length > MOST_MANIFEST_ENTRIES) {
    fields.add(name, `The capability manifest field must not have more than ${MOST_MANIFEST_ENTRIES} items.`);
    return {};
  }
  return Object.fromEntries(
    entries.flatMap(([capability, entry]) => {
      if (capability.length > LONGEST_NAME) {
        fields.add(
          name,
          `The keys of the capability manifest field must not be longer than ${LONGEST_NAME} characters.`,
        );
        return [];
      }
      return isObject(entry)
        ? [[capability, readEntry(fields, entry, `${name}.${capability}.`)]]
        : (fields.add(`${name}.${capability}`, `The capability manifest.${capability} field must be an array.`) ?? []);
    }),
  );
}

function readEntry(fields: Fields, entry: JsonObject, prefix: string): CapabilityManifestEntry {
  const supported = fields.boolean(entry, "supported", prefix, { required: true });
  const minimum = fields.string(entry, "minimum_protocol_version", { required: true, max: 32 }, prefix);
  const implementation = fields.string(entry, "implementation", { max: LONGEST_NAME }, prefix);
  const reason = fields.string(entry, "reason", { max: LONGEST_NAME }, prefix);
  return {
    supported: supported === true,
    minimum_protocol_version: minimum?.trim() ?? "",
    ...(implementation !== undefined && { implementation }),
    ...(reason !== undefined && { reason }),
  };
}

/** @throws {ReplyError} 409 */
function checkCapabilities(capabilities: readonly string[], manifest: Manifest, requested: string): void {
  for (const capability of MANIFEST_CAPABILITIES) {
    const isAdvertised = capabilities.includes(capability);
    const entry = manifest[capability];
    if (entry === undefined && !isAdvertised) continue;
    if (entry?.supported !== isAdvertised) {
      const remediation = "Name a capability in capabilities exactly where its capability_manifest entry is supported.";
      throw notRegistered("worker_capability_manifest_mismatch", capability, requested, remediation);
    }
    const { minimum_protocol_version: minimum } = entry;
    const isNewEnough = speaks(minimum, "capabilityManifest");
    if (!isNewEnough || (isAdvertised && !acceptsVersion(minimum, requested))) {
      const remediation = `Advertise ${capability} only where the worker speaks protocol ${SINCE.capabilityManifest} or newer.`;
      throw notRegistered("worker_capability_protocol_floor_mismatch", capability, requested, remediation);
    }
  }
  if (capabilities.includes(COOPERATIVE) && !speaks(requested, "taskStatus")) {
    const remediation = `Advertise ${COOPERATIVE} only where the worker speaks protocol ${SINCE.taskStatus} or newer.`;
    throw notRegistered("cooperative_cancellation_protocol_mismatch", COOPERATIVE, requested, remediation);
  }
}

function notRegistered(reason: Reason, capability: string, requested: string, remediation: string): ReplyError {
  const minimum = capability === COOPERATIVE ? SINCE.taskStatus : SINCE.capabilityManifest;
  return new ReplyError(409, {
    registered: false,
    reason,
    error: `The worker is not registered: ${remediation}`,
    capability,
    requested_version: requested,
    minimum_protocol_version: minimum,
    remediation,
  });
}
