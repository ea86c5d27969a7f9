import { PATHS } from "@durable-workflow/engine-protocol";
import type { NamespaceDescription, NamespaceList } from "@durable-workflow/engine-protocol/control";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import type { Route } from "../http/router.js";
import type { NamespaceRecord } from "../store/records.js";
import { secondsTimestamp } from "../wire/time.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

const SECONDS_PER_DAY = 86_400;

/** Namespaces are read here, and made by an option of the engine. */
export function namespaceRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "GET", plane: "control", roles: CONTROL_ROLES } as const;
  return [
    { ...common, pattern: PATHS.namespaces, handle: () => list(parts) },
    { ...common, pattern: PATHS.namespace, handle: (call) => show(parts, call) },
  ];
}

function list(parts: ApiParts): Reply {
  const namespaces = parts.context.store.namespaces.list();
  const body: NamespaceList = { namespaces: namespaces.map((one) => toWire(parts, one)) };
  return { status: 200, body };
}

function show(parts: ApiParts, { params }: Call): Reply {
  const name = (params["name"] ?? "").toLowerCase();
  const namespace = parts.context.store.namespaces.get(name);
  if (namespace === undefined) {
    const message = `Namespace '${name}' does not exist.`;
    throw new ReplyError(404, { message, reason: "namespace_not_found", namespace: name });
  }
  return { status: 200, body: toWire(parts, namespace) };
}

function toWire({ options }: ApiParts, { name, description, createdAt }: NamespaceRecord): NamespaceDescription {
  const { retentionSeconds } = options;
  return {
    name,
    description,
    retention_days: retentionSeconds === undefined ? null : Math.ceil(retentionSeconds / SECONDS_PER_DAY),
    status: "active",
    external_payload_storage: null,
    created_at: secondsTimestamp(createdAt),
    updated_at: secondsTimestamp(createdAt),
  };
}
