import { PATHS } from "@durable-workflow/engine-protocol";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields } from "../http/fields.js";
import { pageToken, readPageToken } from "../http/page-token.js";
import type { Route } from "../http/router.js";
import { timestamp } from "../wire/time.js";
import { workerToWire } from "../wire/worker.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

const DEFAULT_PAGE = 500;
const LARGEST_PAGE = 1000;

/** The registrations of workers, as operators see them. */
export function workerRoutes(parts: ApiParts): readonly Route[] {
  const common = { method: "GET", plane: "control", roles: CONTROL_ROLES } as const;
  return [
    { ...common, pattern: PATHS.workers, handle: (call) => list(parts, call) },
    { ...common, pattern: PATHS.worker, handle: (call) => show(parts, call) },
  ];
}

/** The engine answers all at once; from {@link DEFAULT_PAGE} on this one has pages, by the parameters of its other lists. */
function list({ context, options }: ApiParts, { namespace, query }: Call): Reply {
  const fields = new Fields();
  const size = fields.integer({ page_size: query.get("page_size") }, "page_size", { min: 1, max: LARGEST_PAGE });
  const offset = readPageToken(fields, query.get("next_page_token"));
  fields.check();
  const limit = size ?? DEFAULT_PAGE;
  const now = context.now();
  const found = context.store.workers.page(namespace, limit, offset);
  const workers = found.workers.map((worker) => workerToWire(worker, now, options.longPollSeconds));
  const next = found.isLast ? {} : { next_page_token: pageToken(offset + workers.length) };
  return { status: 200, body: { workers, ...next } };
}

function show({ context, options }: ApiParts, { params, namespace }: Call): Reply {
  const workerId = params["worker"] ?? "";
  const worker = context.store.workers.get(namespace, workerId);
  if (worker === undefined) {
    throw new ReplyError(404, { message: "Worker not found.", reason: "worker_not_found", worker_id: workerId });
  }
  const body = workerToWire(worker, context.now(), options.longPollSeconds);
  return { status: 200, body: { ...body, updated_at: timestamp(worker.updatedAt) } };
}
