import { PATHS } from "@durable-workflow/engine-protocol";
import type { Reply } from "../http/call.js";
import type { Route } from "../http/router.js";
import { unavailable } from "../http/unavailable.js";
import { DEFAULT_NAMESPACE } from "../options.js";
import { secondsTimestamp } from "../wire/time.js";
import { clusterInfo } from "./cluster-info.js";
import { ALL_ROLES, type ApiParts } from "./parts.js";

/** What the engine says of itself. */
export function clusterRoutes(parts: ApiParts): readonly Route[] {
  const open = { method: "GET", plane: "open", roles: [] } as const;
  return [
    { ...open, pattern: PATHS.health, handle: () => health(parts) },
    { ...open, pattern: PATHS.ready, handle: () => ready(parts) },
    {
      method: "GET",
      pattern: PATHS.clusterInfo,
      plane: "control",
      roles: ALL_ROLES,
      needsVersion: false,
      handle: ({ namespace }) => ({ status: 200, body: clusterInfo(parts, namespace) }),
    },
  ];
}

function databaseStatus({ context }: ApiParts): "ok" | "error" {
  try {
    context.store.probe();
    return "ok";
  } catch (error) {
    context.logger.error({ error }, "The database does not answer.");
    return "error";
  }
}

function health(parts: ApiParts): Reply {
  const database = databaseStatus(parts);
  const isServing = database === "ok";
  return {
    status: isServing ? 200 : 503,
    body: {
      status: isServing ? "serving" : "unhealthy",
      timestamp: secondsTimestamp(parts.context.now()),
      checks: { database },
    },
  };
}

function ready(parts: ApiParts): Reply {
  const database = databaseStatus(parts);
  const canWrite = database === "ok" && parts.context.store.canWrite();
  const status = canWrite ? "ok" : "error";
  const body = {
    status: canWrite ? "ready" : "not_ready",
    timestamp: secondsTimestamp(parts.context.now()),
    checks: {
      database: { status },
      // An engine that has not migrated its file, or has no default namespace, does not get to listen.
      migrations: { status: "ok" },
      default_namespace: { status: "ok", namespace: DEFAULT_NAMESPACE },
      cache: { status: "ok", store: "none" },
      auth: { status: "ok", driver: parts.gate.isLocked ? "token" : "none" },
    },
  };
  if (canWrite) return { status: 200, body };
  const message =
    database === "ok"
      ? "The engine's storage cannot be written: make room on its disk, or check its permissions."
      : "The engine's database does not answer.";
  return unavailable("storage_unavailable", message, body);
}
