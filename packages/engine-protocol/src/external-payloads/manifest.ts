import { type ContractViolation, describeReceived } from "@durable-workflow/carrier/protocol";
import { at, fieldOf, integerField, textField } from "../fields.js";
import { PATHS } from "../paths.js";
import { PAYLOAD_COMPLETION_HEADER } from "./headers.js";
import {
  COMPLETION_CONTEXT_SCHEMA,
  PAYLOAD_REFERENCE_SCHEMA,
  PAYLOAD_TRANSPORT_MODE,
  PAYLOAD_TRANSPORT_SCHEMA,
  PAYLOAD_TRANSPORT_VERSION,
} from "./schemas.js";

/** The route that a fetch takes, as the manifest spells it. */
export const PAYLOAD_FETCH_TEMPLATE = PATHS.payload.replace(":reference", "{referenceId}");

/** What an engine says of how payloads are uploaded and fetched. What is optional only informs. */
export interface PayloadTransportManifest {
  readonly schema: typeof PAYLOAD_TRANSPORT_SCHEMA;
  readonly version: typeof PAYLOAD_TRANSPORT_VERSION;
  readonly reference_schema: typeof PAYLOAD_REFERENCE_SCHEMA;
  readonly mode: typeof PAYLOAD_TRANSPORT_MODE;
  readonly upload: {
    readonly method: "POST";
    readonly path: string;
    readonly content_type?: string;
    readonly declared_metadata_headers?: readonly string[];
    readonly idempotency?: string;
    /** There where an upload may say which report it is for. */
    readonly completion_context?: { readonly schema: string; readonly header: string };
  };
  readonly fetch: {
    readonly method: "GET";
    readonly path_template: string;
    readonly content_type?: string;
    readonly cache_control?: string;
  };
  readonly limits: {
    readonly max_payload_bytes: number;
    readonly request_timeout_seconds: number;
    readonly buffering?: string;
    readonly abandoned_upload_expiry_seconds?: number;
  };
  readonly authorization?: Readonly<Record<string, unknown>>;
  readonly integrity?: Readonly<Record<string, unknown>>;
  readonly retention?: Readonly<Record<string, unknown>>;
  readonly direct_provider_adapters?: {
    readonly required: boolean;
    readonly default_enabled: boolean;
    readonly self_hosted_only: boolean;
    readonly capability_negotiated: boolean;
    readonly enabled?: boolean;
  };
  readonly typed_outcomes?: Readonly<Record<string, unknown>>;
}

/** `namespace.external_payload_storage` of cluster info, for the namespace of the request. */
export interface NamespacePayloadStorage {
  readonly schema: string;
  readonly configured: boolean;
  readonly enabled: boolean;
  /** `available`, or a problem: then nothing can be uploaded, and what is there may still be fetched. */
  readonly status: string;
  /** A payload whose blob is longer is uploaded by whoever sends it. */
  readonly threshold_bytes: number;
  readonly provider_details_exposed: false;
  readonly configuration_error?: string;
  readonly transport: PayloadTransportManifest;
}

/** What whoever sends or reads payloads needs to know. */
export interface PayloadTransport {
  readonly thresholdBytes: number;
  readonly maxPayloadBytes: number;
  readonly requestTimeoutSeconds: number;
  /** False: references can be fetched, and nothing can be uploaded. */
  readonly takesUploads: boolean;
  /** What the engine calls the state of its storage. */
  readonly status: string;
  /** Whether an upload may say which report it is for. */
  readonly takesCompletionContext: boolean;
}

/** What an engine says of large payloads, once read. */
export type ReadPayloadTransport =
  | { readonly transport: PayloadTransport; readonly violations?: never }
  /** The engine has none: everything goes inline. */
  | { readonly transport: null; readonly violations?: never }
  /** The engine has one that cannot be spoken: payloads over the threshold cannot be sent, references cannot be read. */
  | { readonly transport?: never; readonly violations: readonly ContractViolation[] };

const STORAGE = "namespace.external_payload_storage";

/**
 * Reads the manifest in cluster info. The flag among the capabilities is not asked where there is a manifest: engines have
 * put `true` there, and the manifest itself.
 *
 * @param clusterInfo a parsed JSON document
 */
export function readPayloadTransport(clusterInfo: unknown): ReadPayloadTransport {
  const storage = at(clusterInfo, "namespace", "external_payload_storage");
  const manifest = fieldOf(storage, "transport");
  const claimed = at(clusterInfo, "worker_protocol", "server_capabilities", "runtime_external_payload_transport");
  // Without a manifest of this name there is no transport, unless the engine says that there is.
  if (fieldOf(manifest, "schema") !== PAYLOAD_TRANSPORT_SCHEMA && claimed !== true) return { transport: null };
  const violations: ContractViolation[] = [];
  const expect = (expected: string | number, ...names: readonly string[]): void => {
    const found = at(manifest, ...names);
    if (found === expected) return;
    violations.push({
      path: `${STORAGE}.transport.${names.join(".")}`,
      expected: JSON.stringify(expected),
      received: describeReceived(found),
    });
  };
  expect(PAYLOAD_TRANSPORT_SCHEMA, "schema");
  expect(PAYLOAD_TRANSPORT_VERSION, "version");
  expect(PAYLOAD_REFERENCE_SCHEMA, "reference_schema");
  expect(PAYLOAD_TRANSPORT_MODE, "mode");
  expect("POST", "upload", "method");
  expect(PATHS.payloads, "upload", "path");
  expect("GET", "fetch", "method");
  expect(PAYLOAD_FETCH_TEMPLATE, "fetch", "path_template");
  const need = (path: string, expected: string, found: unknown, ok: boolean): void => {
    if (!ok) violations.push({ path: `${STORAGE}.${path}`, expected, received: describeReceived(found) });
  };
  const threshold = integerField(storage, "threshold_bytes") ?? 0;
  need("threshold_bytes", "an integer >= 1", fieldOf(storage, "threshold_bytes"), threshold >= 1);
  const limits = fieldOf(manifest, "limits");
  const most = integerField(limits, "max_payload_bytes") ?? 0;
  need(
    "transport.limits.max_payload_bytes",
    "an integer, not below threshold_bytes",
    fieldOf(limits, "max_payload_bytes"),
    most >= Math.max(threshold, 1),
  );
  const timeout = fieldOf(limits, "request_timeout_seconds");
  const hasTimeout = typeof timeout === "number" && Number.isFinite(timeout) && timeout > 0;
  need("transport.limits.request_timeout_seconds", "a number > 0", timeout, hasTimeout);
  if (violations.length > 0) return { violations };
  const status = textField(storage, "status") ?? "unknown";
  const context = at(manifest, "upload", "completion_context");
  return {
    transport: {
      thresholdBytes: threshold,
      maxPayloadBytes: most,
      requestTimeoutSeconds: timeout as number,
      takesUploads: status === "available",
      status,
      takesCompletionContext:
        fieldOf(context, "schema") === COMPLETION_CONTEXT_SCHEMA &&
        textField(context, "header")?.toLowerCase() === PAYLOAD_COMPLETION_HEADER.toLowerCase(),
    },
  };
}
