import { HISTORY_PAGE, LONGEST_STOP_REASON, PATHS } from "@durable-workflow/engine-protocol";
import { STANDALONE_WORKFLOW_TYPE } from "@durable-workflow/engine-protocol/control";
import { toldFingerprint } from "../fingerprint.js";
import { type Call, type Reply, ReplyError } from "../http/call.js";
import { Fields } from "../http/fields.js";
import type { Route } from "../http/router.js";
import { type StopOutcome, stopActivity } from "../service/stops.js";
import { sha256 } from "../sha256.js";
import { withControlPlane } from "../wire/control-plane.js";
import { historyToWire } from "../wire/history.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

/** Each event repeats the arguments: a page ends before it becomes longer than this. */
const LONGEST_PAGE = 4_194_304;

/** The workflow routes that serve the host runs of activities. */
export function runRoutes(parts: ApiParts): readonly Route[] {
  const common = { plane: "control", roles: CONTROL_ROLES } as const;
  return [
    { ...common, method: "POST", pattern: PATHS.cancel, handle: (call) => stop(parts, call, "cancelled") },
    { ...common, method: "POST", pattern: PATHS.terminate, handle: (call) => stop(parts, call, "terminated") },
    { ...common, method: "POST", pattern: PATHS.cancelRun, handle: (call) => stop(parts, call, "cancelled") },
    { ...common, method: "POST", pattern: PATHS.terminateRun, handle: (call) => stop(parts, call, "terminated") },
    { ...common, method: "GET", pattern: PATHS.history, handle: (call) => history(parts, call) },
  ];
}

async function stop({ context }: ApiParts, call: Call, how: "cancelled" | "terminated"): Promise<Reply> {
  const { params, namespace, body, path, rawBody } = call;
  const fields = new Fields();
  const reason = fields.string(body, "reason", { max: LONGEST_STOP_REASON }) ?? null;
  fields.check();
  const request = {
    namespace,
    activityId: params["id"] ?? "",
    runId: params["run"] ?? null,
    how,
    reason,
    path,
    fingerprint: sha256(rawBody),
  };
  const outcome = await context.store.transact(() => stopActivity(context, request));
  return stopReply(outcome, how, request);
}

function stopReply(
  outcome: StopOutcome,
  how: "cancelled" | "terminated",
  request: { readonly activityId: string; readonly runId: string | null; readonly reason: string | null },
): Reply {
  if (outcome.kind === "not_found") throw instanceNotFound(request.activityId);
  const { run } = outcome;
  const isDone = outcome.kind === "stopped";
  const body = {
    outcome: isDone ? how : "rejected_not_active",
    workflow_id: run.activityId,
    run_id: run.runId,
    requested_run_id: request.runId,
    resolved_run_id: run.runId,
    command_id: isDone ? outcome.command.id : null,
    command_sequence: isDone ? outcome.command.sequence : null,
    target_scope: request.runId === null ? "instance" : "run",
    workflow_type: STANDALONE_WORKFLOW_TYPE,
    command_status: isDone ? "accepted" : "rejected",
    command_source: "control_plane",
    reason: request.reason,
    rejection_reason: isDone ? null : "run_not_active",
    validation_errors: [],
  };
  const operation = how === "cancelled" ? "cancel" : "terminate";
  return { status: isDone ? 200 : 409, body: withControlPlane(operation, body) };
}

function history({ context, gate }: ApiParts, { params, namespace, query }: Call): Reply {
  const activityId = params["id"] ?? "";
  const fields = new Fields();
  const size = fields.integer({ page_size: query.get("page_size") }, "page_size", { min: 1, max: HISTORY_PAGE.most });
  const after = fields.integer({ token: decodeToken(query.get("next_page_token")) }, "token", { min: 0 }) ?? 0;
  fields.check();
  const run = context.store.runs.ofRunId(activityId, params["run"] ?? "");
  if (run === undefined || run.namespace !== namespace) throw instanceNotFound(activityId);
  const limit = size ?? HISTORY_PAGE.default;
  const { runs, attempts, history: kept } = context.store;
  const input = runs.input(run.key);
  // One more than the page takes tells whether there is another.
  const begun = attempts.after(run.key, after, limit + 1);
  const before = begun[0] && attempts.ofNumber(run.key, begun[0].number - 1);
  const all = historyToWire({
    run,
    input: input.payload,
    fingerprint: toldFingerprint(input.fingerprint, input.payload),
    result: runs.outcome(run.key).result,
    attempts: before === undefined ? begun : [before, ...begun],
    lastAttempt: attempts.newestOf(run.key, 1)[0],
    events: kept.after(run.key, after, limit + 1),
    isLocked: gate.isLocked,
  });
  const rest = withoutGaps(
    all.filter(({ sequence }) => sequence > after),
    after,
  );
  const events = withinBytes(rest.slice(0, limit), LONGEST_PAGE);
  const last = events.at(-1);
  const isWhole = last === undefined || last.sequence >= run.state.historyLength;
  const body = {
    workflow_id: activityId,
    run_id: run.runId,
    events,
    next_page_token: isWhole ? null : Buffer.from(String(last.sequence)).toString("base64"),
  };
  return { status: 200, body: withControlPlane("history", body) };
}

/** Long rows are read a few at a time, events and attempts apart: what comes after the first gap is for the next page. */
function withoutGaps<T extends { readonly sequence: number }>(events: readonly T[], after: number): readonly T[] {
  const gap = events.findIndex(({ sequence }, index) => sequence !== after + 1 + index);
  return gap < 0 ? events : events.slice(0, gap);
}

/** As many as so many characters of JSON hold, and one in any case. */
function withinBytes<T>(events: readonly T[], most: number): readonly T[] {
  let length = 0;
  const first = events.findIndex((event, index) => {
    length += JSON.stringify(event).length;
    return index > 0 && length > most;
  });
  return first < 0 ? events : events.slice(0, first);
}

function decodeToken(token: string | null): string | null {
  return token === null || token === "" ? null : Buffer.from(token, "base64").toString("latin1");
}

function instanceNotFound(workflowId: string): ReplyError {
  return new ReplyError(404, {
    message: "Workflow not found.",
    reason: "instance_not_found",
    workflow_id: workflowId,
  });
}
