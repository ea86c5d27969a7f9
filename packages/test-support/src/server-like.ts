import { createServer, type IncomingMessage } from "node:http";
import { type Loopback, listen } from "./loopback.js";
import { send } from "./send.js";

/** What this project's local engine has added to documents of activities. */
const ADDED = [
  "failure",
  "attempts",
  "attempt_state",
  "current_attempt",
  "current_attempt_id",
  "current_attempt_status",
];
const NOT_LISTED = [...ADDED, "activity_status", "attempt_count", "workflow_id", "activity_execution_id"];
const OWN_ROUTES =
  /^\/api\/(?:events|inspection|worker\/activity-tasks\/reports|task-queues\/[^/]+\/(?:drain|resume)|activities\/[^/]+\/runs\/[^/]+\/(?:cancel|terminate))\b/;

type Json = Record<string, unknown>;

/**
 * A local engine with nothing but what released servers have: its own routes are not found, what it adds to documents is left
 * out, `?wait` is passed over, and of its capabilities every optional one is off.
 *
 * @param engineUrl the local engine behind it
 */
export function listenLikeTheServer(engineUrl: string): Promise<Loopback> {
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    answer(engineUrl, request, gone.signal).then(
      ({ status, headers, text }) => {
        const { "content-length": _, "transfer-encoding": __, connection: ___, ...kept } = headers;
        response.writeHead(status, kept).end(text);
      },
      () => response.destroy(),
    );
  });
  return listen(server);
}

async function answer(engineUrl: string, request: IncomingMessage, signal: AbortSignal) {
  const { method = "GET", url = "/", headers } = request;
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const [path = "", query = ""] = url.split("?");
  if (OWN_ROUTES.test(path)) {
    const text = JSON.stringify({ message: "The route could not be found." });
    return { status: 404, headers: { "content-type": "application/json" }, text };
  }
  const parameters = new URLSearchParams(query);
  parameters.delete("wait");
  const asked = parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
  const { host: _, "content-length": __, "transfer-encoding": ___, ...passed } = headers;
  const body = chunks.length === 0 ? undefined : Buffer.concat(chunks).toString("utf8");
  const reply = await send(engineUrl, { method, path: asked, headers: passed as Record<string, string>, body, signal });
  if (!/json/.test(reply.headers["content-type"] ?? "")) return reply;
  return { ...reply, text: JSON.stringify(asServersTell(path, JSON.parse(reply.text, optionalOff) as Json)) };
}

/** A document as released servers tell it: without what the local engine adds. @param path without its query */
export function asServersTell(path: string, document: Json): Json {
  if (path === "/api/cluster/info") {
    const { engine: _, capabilities = {}, ...rest } = document as { readonly capabilities?: Json } & Json;
    return { ...rest, capabilities: without(capabilities, ["inspection", "start_waits"]) };
  }
  if (path === "/api/activities") {
    if (!Array.isArray(document["activities"])) return without(document, ["longest_wait_seconds"]);
    const activities = (document["activities"] as Json[]).map((one) => without(one, NOT_LISTED));
    return { ...without(document, ["next_page_cursor"]), activities };
  }
  return path.startsWith("/api/activities/") ? without(document, ADDED) : document;
}

/** For `JSON.parse`: of the capabilities, which cluster info and answers to workers hold, what is optional is off. */
function optionalOff(key: string, value: unknown): unknown {
  if (key !== "server_capabilities" || typeof value !== "object" || value === null) return value;
  const off = { activity_lease_renewal: false, worker_deregistration_fencing: { supported: false } };
  return {
    ...without(value as Json, [
      "worker_status",
      "activity_task_batches",
      "short_activity_leases",
      "activity_input_schemas",
    ]),
    ...off,
  };
}

function without(document: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)));
}
