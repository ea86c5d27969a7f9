import { expect, it } from "vitest";
import { type DispatcherEvent, EventStream } from "../events/events.js";
import { logEvents } from "./log-lines.js";
import { createLogger } from "./logs.js";

const task = {
  namespace: "cellar",
  taskQueue: "lamps",
  taskId: "task-7",
  attemptId: "ATTEMPT-7",
  attempt: 2,
  executionId: "execution-7",
  activityType: "lamps.dim",
  workflowId: "evening",
  runId: "run-1",
};
const lane = { namespace: "cellar", taskQueue: "lamps", carrier: "web", workerId: "w" };

/** One of each, so that a new event without a level or a sentence is missed here. */
const EVENTS: { readonly [Type in DispatcherEvent["type"]]: Extract<DispatcherEvent, { type: Type }> } = {
  config_loaded: { type: "config_loaded", mappings: 1, carriers: 1 },
  config_rejected: { type: "config_rejected", errors: [], message: "no" },
  engine_version: { type: "engine_version", version: "1.0", advertised: "1.0" },
  engine_unavailable: { type: "engine_unavailable", operation: "poll", why: "timeout", status: null, retryInMs: 1 },
  engine_refused: {
    type: "engine_refused",
    operation: "poll",
    status: 401,
    reason: "unauthorized",
    message: "no",
    retryInMs: 1,
  },
  leases_expired: { type: "leases_expired", lane, inARow: 2, retryInMs: 1 },
  registered: { type: "registered", lane, activityTypes: ["t"] },
  registration_lost: { type: "registration_lost", lane, reason: "gone" },
  deregistered: { type: "deregistered", lane },
  worker_renamed: { type: "worker_renamed", lane, previousId: "w", reason: "worker_registration_superseded" },
  lane_state: { type: "lane_state", lane, state: "polling" },
  lane_retired: { type: "lane_retired", lane },
  polled: { type: "polled", lane, outcome: "empty", durationMs: 1 },
  task_leased: { type: "task_leased", task },
  task_unreadable: { type: "task_unreadable", lane, problem: "no", taskId: null },
  task_repeated: { type: "task_repeated", task },
  mapping_differs: { type: "mapping_differs", task, fields: ["handler"] },
  mapping_refused: { type: "mapping_refused", task, errors: [] },
  delivery_started: { type: "delivery_started", task, carrier: "web" },
  delivery_retried: { type: "delivery_retried", task, carrier: "web", why: "no", tries: 1, retryInMs: 1 },
  delivery_ended: {
    type: "delivery_ended",
    task,
    carrier: "web",
    outcome: "answered",
    status: 200,
    likelyCause: null,
    durationMs: 1,
  },
  payload_transport: {
    type: "payload_transport",
    namespace: "cellar",
    state: "on",
    thresholdBytes: 1,
    maxPayloadBytes: 2,
    problem: null,
  },
  payload_moved: { type: "payload_moved", task, direction: "fetched", bytes: 1, durationMs: 1 },
  payload_retried: { type: "payload_retried", task, direction: "upload", why: "no", tries: 1, retryInMs: 1 },
  payload_refused: { type: "payload_refused", task, direction: "fetch", reason: "gone", message: "no" },
  heartbeat: { type: "heartbeat", task, outcome: "continue" },
  lease_ended: { type: "lease_ended", task, kind: "lost", reason: "expired" },
  report_retried: { type: "report_retried", task, why: "no", tries: 1, retryInMs: 1 },
  report_rejected: { type: "report_rejected", task, status: 413, message: "no" },
  task_ended: {
    type: "task_ended",
    task,
    carrier: "web",
    end: "completed",
    detail: null,
    willRetry: null,
    durationMs: 1,
  },
  carrier_state: { type: "carrier_state", carrier: "web", state: "open", failures: 5, retryInMs: 1 },
  event_loop_blocked: { type: "event_loop_blocked", delayMs: 1_500, activityTypes: ["t"], leaseLeftMs: 9_000 },
  draining: { type: "draining", inFlight: 0 },
  stopped: { type: "stopped", abandoned: 0 },
};

function linesOf(...events: readonly DispatcherEvent[]): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const stream = new EventStream();
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const stop = logEvents(stream, createLogger({ level: "debug" }, { write }));
  for (const event of events) stream.emit(event);
  stop();
  stream.emit(EVENTS.stopped);
  return lines;
}

it.each(Object.values(EVENTS))("writes a line with a sentence for $type", (event) => {
  const [line, ...rest] = linesOf(event);
  expect(line).toMatchObject({ event: event.type, msg: expect.stringMatching(/^[A-Z].*\.$/) });
  expect(rest).toEqual([]);
});

it("writes the ids of a task flat, and levels that fit", () => {
  const lines = linesOf(
    EVENTS.task_ended,
    { ...EVENTS.task_ended, end: "lost" },
    EVENTS.task_leased,
    EVENTS.carrier_state,
    { ...EVENTS.carrier_state, state: "closed" },
    EVENTS.config_rejected,
  );
  expect(lines[0]).toMatchObject({ taskId: "task-7", attemptId: "ATTEMPT-7", executionId: "execution-7" });
  expect(lines.map(({ level }) => level)).toEqual([30, 40, 20, 40, 30, 50]);
});

it.each([
  [1_500, null, "A handler kept the thread to itself; heartbeats and other tasks had to wait."],
  [9_000, 21_000, "A handler kept the thread to itself; heartbeats and other tasks had to wait."],
  [
    11_000,
    19_000,
    "A handler kept the thread to itself for more than a third of its lease, which is lost if that lasts longer.",
  ],
  [31_000, -1_000, "A handler kept the thread to itself until its lease had run out: the task is handed out again."],
])(
  "says what a thread that was blocked for %i ms means, with %i ms left of a lease",
  (delayMs, leaseLeftMs, sentence) => {
    const [line] = linesOf({ ...EVENTS.event_loop_blocked, delayMs, leaseLeftMs });
    expect(line).toMatchObject({ level: 40, msg: `${sentence} Move what computes to a worker thread.` });
  },
);

it("names what to look at where something else than the engine answers", () => {
  const of = (why: string) => linesOf({ ...EVENTS.engine_unavailable, why, status: 301 })[0]?.["msg"];
  expect(of("redirect")).toContain("The server URL redirects, which is not followed");
  expect(of("not_json")).toContain("What answers is no engine");
  expect(of("Server Error")).toBe("The engine does not answer; it is asked again.");
  const last = { ...EVENTS.engine_refused, operation: "deregister", retryInMs: null };
  expect(linesOf(last)[0]?.["msg"]).toBe("The engine refuses.");
});

it("lets nobody who watches stop the work", () => {
  const stream = new EventStream();
  const seen: string[] = [];
  stream.on(() => {
    throw new Error("no");
  });
  stream.on(({ type }) => seen.push(type));
  stream.emit(EVENTS.draining);
  expect(seen).toEqual(["draining"]);
});
