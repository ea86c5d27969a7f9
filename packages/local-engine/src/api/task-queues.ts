import { PATHS } from "@durable-workflow/engine-protocol";
import type { Call, Reply } from "../http/call.js";
import type { Route } from "../http/router.js";
import { timestamp } from "../wire/time.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

/**
 * Draining a queue: it takes no new activities, and hands out those that it holds. This engine's own addition; the engine
 * knows the answer that a start then gets.
 */
export function taskQueueRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "POST", plane: "control", roles: CONTROL_ROLES } as const;
  return [
    { ...common, pattern: PATHS.drainQueue, handle: (call) => drain(parts, call) },
    { ...common, pattern: PATHS.resumeQueue, handle: (call) => resume(parts, call) },
  ];
}

async function drain({ context }: ApiParts, { params, namespace }: Call): Promise<Reply> {
  const name = params["queue"] ?? "";
  const { namespaces } = context.store;
  await context.store.transact(() => {
    namespaces.drain(namespace, name, context.now());
  });
  const since = namespaces.drainedSince(namespace, name) ?? context.now();
  return { status: 200, body: { name, namespace, draining: true, draining_since: timestamp(since) } };
}

async function resume({ context }: ApiParts, { params, namespace }: Call): Promise<Reply> {
  const name = params["queue"] ?? "";
  await context.store.transact(() => {
    context.store.namespaces.resume(namespace, name);
  });
  return { status: 200, body: { name, namespace, draining: false, draining_since: null } };
}
