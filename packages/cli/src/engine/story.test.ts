import { existsSync, readdirSync, readFileSync } from "node:fs";
import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import type { ActivityDescription } from "@durable-workflow/client/tools";
import { type HistoryEvent } from "@durable-workflow/engine-protocol/control";
import { describe, expect, it } from "vitest";
import { isClosed, tellStory } from "./story.js";
import { storyEventOf } from "./story-event.js";

const DESCRIPTION: ActivityDescription = {
  activity_id: "job-1",
  workflow_run_id: "run-1",
  namespace: "default",
  activity_type: "greet",
  activity_status: "running",
  attempt_count: 1,
  task_queue: "lamps",
  business_key: null,
  status: "running",
  closed_reason: null,
  started_at: "2026-11-22T09:26:49.883496Z",
  closed_at: null,
  last_progress_at: null,
  last_heartbeat_at: null,
  result: null,
  failure: null,
  attempts: null,
};

let sequence = 0;
const event = (type: string, payload: Readonly<Record<string, unknown>> = {}): HistoryEvent => ({
  sequence: ++sequence,
  event_type: type,
  timestamp: `2026-11-22T09:26:5${sequence % 10}.000000Z`,
  payload,
});
const started = (attempt: number): HistoryEvent =>
  event("ActivityStarted", { attempt_number: attempt, task: { lease_owner: `w-${attempt}` } });

describe("tellStory", () => {
  it("tells arguments, attempts and result of an activity that completed", () => {
    const scheduled = event("ActivityScheduled", {
      activity: { arguments: payloadEnvelope(["Ada", 7]).blob, retry_policy: { max_attempts: 3 } },
    });
    const failed = event("ActivityRetryScheduled", {
      retry_after_attempt: 1,
      retry_backoff_seconds: 2,
      exception_type: "Flaky",
      message: "not yet",
      exception: { details: payloadEnvelope({ a: 1 }).blob, details_payload_codec: "avro" },
    });
    const closed = {
      ...DESCRIPTION,
      status: "completed",
      closed_reason: "completed",
      result: payloadEnvelope(new Uint8Array([1])),
    };
    const story = tellStory(closed, [scheduled, started(1), failed, started(2), event("ActivityCompleted")]);
    expect(story).toMatchObject({
      status: "completed",
      maxAttempts: 3,
      arguments: ["Ada", 7],
      result: { $type: "bytes", base64: "AQ==" },
      failure: null,
      attempts: [
        {
          attempt: 1,
          status: "failed",
          worker: "w-1",
          retryInSeconds: 2,
          failure: { type: "Flaky", message: "not yet", details: { a: 1 } },
        },
        { attempt: 2, status: "completed", worker: "w-2", failure: null, retryInSeconds: null },
      ],
    });
    expect(isClosed(story)).toBe(true);
  });

  it("tells a lease that ran out, progress, and payloads that cannot be decoded as they came", () => {
    const progress = event("ActivityHeartbeatRecorded", { attempt_number: 2, progress: { current: 3, total: 10 } });
    const silent = event("ActivityHeartbeatRecorded", { attempt_number: 2 });
    const story = tellStory({ ...DESCRIPTION, result: { codec: "avro", blob: "AAgib2siAg==" } }, [
      started(1),
      started(2),
      progress,
      silent,
    ]);
    expect(story.attempts.map(({ status }) => status)).toEqual(["lost", "running"]);
    expect(story.progress).toEqual({ current: 3, total: 10, unit: null, message: null });
    expect(story.result).toEqual({ codec: "avro", blob: "AAgib2siAg==" });
    expect(storyEventOf(silent)).toBeUndefined();
    expect(isClosed(story)).toBe(false);
  });

  it.each([
    ["cancelled", "cancelled", [event("CancelRequested"), event("ActivityCancelled"), event("WorkflowCancelled")]],
    ["terminated", "terminated", [event("TerminateRequested"), event("WorkflowTerminated")]],
    ["failed", "timed_out", [event("ActivityTimedOut", { failure_category: "timeout", message: "too late" })]],
  ])("tells %s as %s", (status, told, events) => {
    const story = tellStory({ ...DESCRIPTION, status, closed_reason: told }, [started(1), ...events]);
    expect([story.status, story.attempts[0]?.status]).toEqual([told, told]);
  });
});

const RECORDED = new URL("../../../../../shared/contract/worker-protocol/", import.meta.url);
const hasRecordings = existsSync(RECORDED);

/** The body of the answer that was recorded under a number. */
function recorded(number: number): unknown {
  const file = readdirSync(RECORDED).find((name) => name.startsWith(`${number}-`));
  const { response } = JSON.parse(readFileSync(new URL(file ?? "", RECORDED), "utf8")) as {
    readonly response: { readonly body: unknown };
  };
  return response.body;
}

const eventsOf = (number: number): readonly HistoryEvent[] => (recorded(number) as { events: HistoryEvent[] }).events;

describe("what servers were recorded to say", () => {
  const why = hasRecordings ? "" : " (skipped: the recordings are not here)";

  it.skipIf(!hasRecordings)(`is told: completed${why}`, () => {
    expect(tellStory(recorded(1008) as ActivityDescription, eventsOf(1012))).toMatchObject({
      id: "job-1",
      status: "completed",
      arguments: ["Ada"],
      maxAttempts: 3,
      attempts: [{ attempt: 1, status: "completed", worker: "w-q-sa1" }],
      failure: null,
    });
  });

  it.skipIf(!hasRecordings)(`is told: failed after a retry${why}`, () => {
    const story = tellStory(recorded(1057) as ActivityDescription, eventsOf(1058));
    expect(story).toMatchObject({
      status: "failed",
      failure: { type: "Transient", message: "boom 2", category: "activity", nonRetryable: false },
      attempts: [
        { attempt: 1, status: "failed", retryInSeconds: 1 },
        { attempt: 2, status: "failed", retryInSeconds: null },
      ],
    });
  });

  it.skipIf(!hasRecordings)(`is told: timed out${why}`, () => {
    expect(tellStory(recorded(1070) as ActivityDescription, eventsOf(1072))).toMatchObject({
      status: "timed_out",
      failure: { type: null, category: "timeout", message: expect.stringContaining("start-to-close") as string },
      attempts: [{ status: "timed_out" }],
    });
  });

  it.skipIf(!hasRecordings)(`is told: cancelled, older servers' attempts, details${why}`, () => {
    expect(tellStory(recorded(1064) as ActivityDescription, eventsOf(1314))).toMatchObject({
      status: "cancelled",
      attempts: [{ status: "cancelled" }],
    });
    // A server of April: payloads of its own framing stay as they are.
    expect(tellStory(DESCRIPTION, eventsOf(408)).attempts.map(({ status }) => status)).toEqual(["lost", "completed"]);
    expect(tellStory(DESCRIPTION, eventsOf(124)).progress).toMatchObject({ current: 11, total: 10 });
  });
});
