import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { at, listField, PATHS, pathTo, textField } from "@durable-workflow/engine-protocol";
import type { HistoryEvent } from "@durable-workflow/engine-protocol/control";
import { ClientError } from "../errors/client-error.js";
import type { ActivityStatus, RemoteFailure } from "../handle.js";
import { unreadable } from "../trouble/ask-again.js";
import type { Bounds, Engine } from "../wire/engine.js";
import { decodedDetails, NO_MESSAGE } from "./failure.js";

/** Pages of a history, so that none keeps a caller for good. */
const MOST_PAGES = 1_000;

/** How a run ended, read from its history; undefined for one without an end. @throws {ClientError} */
export async function runEndOf(engine: Engine, id: string, runId: string, bounds: Bounds): Promise<RunEnd | undefined> {
  return readRunEnd(await historyOf(engine, id, runId, bounds));
}

async function historyOf(engine: Engine, id: string, runId: string, bounds: Bounds): Promise<readonly HistoryEvent[]> {
  const about = { what: `reading the history of ${id}`, activityId: id };
  const path = pathTo(PATHS.history, { id, run: runId });
  const events: HistoryEvent[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const query = token === undefined ? "" : `?${new URLSearchParams({ next_page_token: token }).toString()}`;
    const answer = await engine.ask({ method: "GET", path: path + query }, about, bounds);
    const read = listField(answer.document, "events");
    for (const event of read) {
      if (textField(event, "event_type") === undefined) throw unreadable(engine, answer, about);
      events.push(event as HistoryEvent);
    }
    const next = textField(answer.document, "next_page_token");
    if (next === undefined) return events;
    if (next === token || read.length === 0) break;
    token = next;
  }
  throw new ClientError("not_an_engine", `${about.what}: its pages do not end. Is ${engine.url} an engine?`);
}

/** How a run ended, as its history tells it. */
export interface RunEnd {
  readonly status: Exclude<ActivityStatus, "running">;
  readonly attempts: number;
  readonly failure: RemoteFailure | undefined;
  /** A payload envelope; undefined but for a run that completed. */
  readonly result: unknown;
}

/** The end of a run stands last, with that of its activity before it; the activity's says more, but when the run was stopped. */
const ENDS = [
  { WorkflowTerminated: "terminated", WorkflowCancelled: "cancelled" },
  {
    ActivityCompleted: "completed",
    ActivityFailed: "failed",
    ActivityTimedOut: "timed_out",
    ActivityCancelled: "cancelled",
  },
  { WorkflowFailed: "failed" },
] as const satisfies readonly Readonly<Record<string, RunEnd["status"]>>[];

/** Undefined for a history without an end. */
function readRunEnd(history: readonly HistoryEvent[]): RunEnd | undefined {
  const found = ENDS.map((ends: Readonly<Record<string, RunEnd["status"]>>) => {
    const event = history.findLast(({ event_type: type }) => Object.hasOwn(ends, type));
    return event && { last: event, status: ends[event.event_type] };
  }).find((end) => end !== undefined);
  if (found?.status === undefined) return undefined;
  const { last, status } = found;
  const attempts = history.filter(({ event_type: type }) => type === "ActivityStarted").length;
  const isFailure = status === "failed" || status === "timed_out";
  const failure = isFailure ? readHistoryFailure(last.payload ?? {}) : undefined;
  const isTimeout = at(last.payload, "failure_category") === "timeout";
  return {
    status: status === "failed" && isTimeout ? "timed_out" : status,
    attempts,
    failure,
    result: status === "completed" ? asEnvelope(at(last.payload, "result"), last.payload) : undefined,
  };
}

function readHistoryFailure(payload: Readonly<Record<string, unknown>>): RemoteFailure {
  const exception = at(payload, "exception");
  return {
    type: textField(payload, "exception_type") ?? textField(exception, "type"),
    message: textField(payload, "message") ?? textField(exception, "message") ?? NO_MESSAGE,
    stack: textField(exception, "stack_trace") ?? textField(payload, "stack_trace"),
    details: decodedDetails(
      asEnvelope(at(exception, "details"), { payload_codec: at(exception, "details_payload_codec") }),
    ),
    nonRetryable: payload["non_retryable"] === true || at(exception, "non_retryable") === true,
    timeoutType: textField(exception, "timeout_type") ?? textField(payload, "timeout_kind"),
  };
}

/** Histories keep a blob apart from the name of its codec. */
function asEnvelope(payload: unknown, said: unknown): unknown {
  return typeof payload === "string"
    ? { codec: textField(said, "payload_codec") ?? AVRO_CODEC, blob: payload }
    : payload;
}
