import {
  at,
  FENCING_ENDPOINT,
  FENCING_SCHEMA,
  type Feature,
  isObject,
  negotiateVersion,
  numberAt,
  type ServerCapabilities,
  SINCE,
  speaks,
  textAt,
} from "@durable-workflow/engine-protocol";
import { readPayloadTransport } from "@durable-workflow/engine-protocol/external-payloads";
import type { Violation } from "../report/violation.js";
import { violationsAt } from "./inspection.js";

interface Named {
  readonly name: string;
  /** What follows where it is not there; null where nothing does that anybody notices. */
  readonly without: string | null;
}

/** The features of the worker protocol, as people call them. `docs/understand/protocol-versions.md` says more of each. */
export const FEATURES: Readonly<Record<Feature, Named>> = {
  pollRequests: {
    name: "repeated polls",
    without: "a task whose answer to the poll was lost runs again when its lease ends",
  },
  failureFlags: {
    name: "type and flags of every failure",
    without: "a failure without details loses its type and non_retryable",
  },
  capabilityManifest: { name: "capability manifests of registrations", without: null },
  boundedPolls: { name: "polls of a bounded time", without: null },
  externalPayloads: { name: "payloads that are kept apart", without: null },
  taskStatus: { name: "the status of a task, asked without renewing its lease", without: null },
};

type Optional<Type> = keyof { [Name in keyof Type as object extends Pick<Type, Name> ? Name : never]: unknown };

/** The capabilities that an engine may have beyond its version; null for those that are told by more than a name, or not at all. */
const CAPABILITIES: Readonly<Record<Optional<ServerCapabilities>, Named | null>> = {
  activity_lease_renewal: {
    name: "renewal of leases apart from heartbeats",
    without: "heartbeats of a task renew its lease",
  },
  short_activity_leases: {
    name: "short leases for workers that renew them",
    without: "what a dead worker held waits for the end of a whole lease",
  },
  activity_task_batches: {
    name: "several tasks in one answer, several outcomes in one request",
    without: "each goes by a request of its own",
  },
  activity_input_schemas: {
    name: "schemas of the arguments of activities, told by workers",
    without: "nobody sees from the engine what an activity takes",
  },
  // Below: it may contradict itself.
  worker_deregistration_fencing: null,
  // Below, by its manifest in cluster info.
  runtime_external_payload_transport: null,
  poll_status: null,
  worker_status: null,
  // Of runtimes that replay workflows.
  cooperative_cancellation: null,
  worker_sessions: null,
  local_activities: null,
  sticky_execution: null,
};

/** What an engine has, by its version and by the capabilities that it says it has. */
export interface EngineFeatures {
  readonly has: readonly string[];
  /** What is not there, and what follows from that. */
  readonly lacks: readonly string[];
  /** Where what it says of a capability contradicts itself. */
  readonly violations: readonly Violation[];
}

/** @param clusterInfo what an engine says of itself */
export function engineFeatures(clusterInfo: unknown): EngineFeatures {
  const version = negotiateVersion(textAt(clusterInfo, "worker_protocol", "version"));
  if (version === undefined) return { has: [], lacks: [], violations: [] };
  const capabilities = at(clusterInfo, "worker_protocol", "server_capabilities");
  const fencing = fencingOf(capabilities);
  const { transport, violations = [] } = readPayloadTransport(clusterInfo);
  const found: readonly (Named & { readonly isThere: boolean })[] = [
    ...Object.entries(FEATURES).map(([feature, { name, without }]) => {
      const since = SINCE[feature as Feature];
      return { name, without: without ?? `it came with ${since}`, isThere: speaks(version, feature as Feature) };
    }),
    ...Object.entries(CAPABILITIES).flatMap(([capability, named]) =>
      named === null ? [] : [{ ...named, isThere: isSaid(at(capabilities, capability)) }],
    ),
    {
      name: "registrations that end by their token",
      without: "a poll that waits when a registration ends may lease one more task",
      isThere: fencing.isSupported,
    },
    payloadStorage(transport),
    {
      name: "starts that wait for the result",
      without: "the result is asked for by a request of its own",
      isThere: at(clusterInfo, "capabilities", "start_waits") === true,
    },
  ];
  return {
    has: found.filter(({ isThere }) => isThere).map(({ name }) => name),
    lacks: found
      .filter(({ isThere }) => !isThere)
      .map(({ name, without }) => (without === null ? name : `${name} (${without})`)),
    violations: [...fencing.violations, ...violationsAt("", violations)],
  };
}

function isSaid(capability: unknown): boolean {
  return capability === true || at(capability, "supported") === true;
}

function payloadStorage(
  transport: ReturnType<typeof readPayloadTransport>["transport"],
): Named & { readonly isThere: boolean } {
  const name = "storage of large payloads";
  if (transport === undefined || transport === null) {
    return { name, without: "all payloads go inline", isThere: false };
  }
  const { thresholdBytes, maxPayloadBytes, takesUploads, status } = transport;
  return takesUploads
    ? { name: `${name} (above ${thresholdBytes} bytes, up to ${maxPayloadBytes})`, without: null, isThere: true }
    : { name, without: `its storage is ${status}: what is there can be fetched`, isThere: false };
}

const FENCING_PATH = "worker_protocol.server_capabilities.worker_deregistration_fencing";

/** Workers of released SDKs refuse to start with fencing that is advertised in another form. */
function fencingOf(capabilities: unknown): {
  readonly isSupported: boolean;
  readonly violations: readonly Violation[];
} {
  const fencing = at(capabilities, "worker_deregistration_fencing");
  if (!isObject(fencing) || fencing["supported"] !== true) return { isSupported: false, violations: [] };
  const violations: Violation[] = [];
  const expect = (field: string, expected: string, isRight: boolean): void => {
    if (!isRight) violations.push({ path: `${FENCING_PATH}.${field}`, message: `must be ${expected}`, code: null });
  };
  expect("schema", FENCING_SCHEMA, fencing["schema"] === FENCING_SCHEMA);
  expect("endpoint", FENCING_ENDPOINT, fencing["endpoint"] === FENCING_ENDPOINT);
  const kept = numberAt(fencing, "receipt_retention_seconds");
  expect("receipt_retention_seconds", "an integer > 0", kept !== undefined && Number.isInteger(kept) && kept > 0);
  return { isSupported: violations.length === 0, violations };
}
