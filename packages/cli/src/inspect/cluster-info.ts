import { at, isObject, negotiateVersion, numberAt, PROTOCOL_VERSION, textAt } from "@durable-workflow/engine-protocol";
import { WORKER_CONTRACTS } from "@durable-workflow/engine-protocol/control";
import { readPayloadTransport } from "@durable-workflow/engine-protocol/external-payloads";
import { sizeText } from "../report/size.js";
import type { Violation } from "../report/violation.js";
import { type CheckedExample, examplesOf } from "./contract.js";
import { engineFeatures } from "./engine-features.js";
import { below, facts, type Inspection, inspection, violationsAt } from "./inspection.js";

/** Where the published contracts are not those that this version knows. */
export function contractViolations(clusterInfo: unknown): readonly Violation[] {
  return Object.entries(WORKER_CONTRACTS).flatMap(([field, wanted]): readonly Violation[] => {
    const contract = at(clusterInfo, "worker_protocol", field);
    const path = `worker_protocol.${field}`;
    if (!isObject(contract)) return [{ path, message: "is not published", code: null }];
    return (["schema", "version"] as const)
      .filter((name) => contract[name] !== wanted[name])
      .map((name) => ({ path: `${path}.${name}`, message: `must be ${wanted[name]}`, code: null }));
  });
}

/** The published examples, each checked against its SHA-256 and the contract. */
export function publishedArtifacts(clusterInfo: unknown): readonly CheckedExample[] {
  return Object.keys(WORKER_CONTRACTS).flatMap((field) =>
    examplesOf(at(clusterInfo, "worker_protocol", field)).map(({ name, path, violations }) => ({
      name,
      path: `worker_protocol.${field}.${path}`,
      violations,
    })),
  );
}

/** What an engine says of the executor config that it was given. */
export function engineConfigState(clusterInfo: unknown): {
  readonly status: string;
  readonly errors: readonly Violation[];
  readonly summary: string;
} {
  const runtime = at(clusterInfo, "worker_protocol", "external_executor_config_contract", "runtime");
  const errors: readonly unknown[] = Array.isArray(at(runtime, "errors")) ? (at(runtime, "errors") as unknown[]) : [];
  const mappings = numberAt(runtime, "summary", "mapping_count") ?? 0;
  const carriers = numberAt(runtime, "summary", "carrier_count") ?? 0;
  return {
    status: textAt(runtime, "status") ?? "unknown",
    summary: `${textAt(runtime, "source", "basename") ?? "the config"}: ${mappings} mappings, ${carriers} carriers`,
    errors: errors.map((error) => ({
      path: textAt(error, "context", "mapping") ?? textAt(error, "context", "carrier") ?? "",
      message: textAt(error, "message") ?? "",
      code: textAt(error, "code") ?? null,
    })),
  };
}

/** How an engine takes large payloads, in words, and what of its manifest cannot be spoken. */
export function payloadTransportState(clusterInfo: unknown): {
  readonly state: "inline_only" | "available" | "unavailable" | "unknown";
  readonly summary: string;
  readonly violations: readonly Violation[];
} {
  const { transport, violations = [] } = readPayloadTransport(clusterInfo);
  if (transport === undefined) {
    return { state: "unknown", summary: "in a way that is not known", violations: violationsAt("", violations) };
  }
  if (transport === null) return { state: "inline_only", summary: "inline only", violations: [] };
  const { thresholdBytes, maxPayloadBytes, takesUploads, status } = transport;
  const limits = `uploaded from ${sizeText(thresholdBytes)} on, up to ${sizeText(maxPayloadBytes)}`;
  return takesUploads
    ? { state: "available", summary: limits, violations: [] }
    : { state: "unavailable", summary: `${limits}; not now: ${status}`, violations: [] };
}

/** What an engine says of itself (`GET /api/cluster/info`). */
export function inspectClusterInfo(document: unknown): Inspection {
  const artifacts = publishedArtifacts(document);
  const advertised = textAt(document, "worker_protocol", "version");
  const version = negotiateVersion(advertised);
  const config = engineConfigState(document);
  const payloads = payloadTransportState(document);
  const features = engineFeatures(document);
  const broken = artifacts.flatMap(({ path, violations }) => below(path, violations));
  const spoken: readonly Violation[] =
    version === undefined
      ? [{ path: "worker_protocol.version", message: `cannot be spoken with ${PROTOCOL_VERSION}`, code: null }]
      : [];
  return inspection({
    kind: "cluster_info",
    title: "what an engine says of itself",
    violations: [...spoken, ...contractViolations(document), ...features.violations, ...broken],
    facts: facts(
      ["server", textAt(document, "server_id")],
      ["version", textAt(document, "version")],
      ["worker protocol", advertised],
      ["spoken by this version", version],
      ["control plane", textAt(document, "control_plane", "version")],
      [
        "artifacts",
        `${artifacts.length} published, ${artifacts.filter((one) => one.violations.length === 0).length} verified`,
      ],
      ["large payloads", payloads.summary],
      ["executor config", config.status === "valid" ? config.summary : config.status],
    ),
    notes: [
      ...features.has.map((what) => `it has ${what}`),
      ...features.lacks.map((what) => `it has not ${what}`),
      ...config.errors.map(({ path, message, code }) => `executor config of the engine: ${code} ${path}: ${message}`),
    ],
  });
}
