import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope, withField, workflowTaskEnvelope } from "../../test/support/envelopes.js";
import { UNMET, type Unmet } from "../../test/support/unmet.js";
import { ExternalTaskInputError, isExternalTaskInputError, isExternalTaskResultError } from "./errors.js";
import { externalTaskInputViolations, parseExternalTaskInput } from "./task-input.js";

const LARGEST = Number.MAX_SAFE_INTEGER;

const UNMET_HERE: Unmet = {
  ...UNMET,
  '"durable-workflow.v2.external-task-input"': [
    [undefined, "nothing"],
    [null, "null"],
    [1, "1"],
    ["durable-workflow.v2.external-task-result", '"durable-workflow.v2.external-task-result"'],
    ["Durable-Workflow.v2.external-task-input", '"Durable-Workflow.v2.external-task-input"'],
    ["x".repeat(200), `"${"x".repeat(80)}"`],
  ],
};

const COMMON_FIELDS = [
  ["", "an object"],
  ["schema", '"durable-workflow.v2.external-task-input"'],
  ["version", "1"],
  ["task", "an object"],
  ["task.id", "a string"],
  ["task.kind", "one of activity_task, workflow_task"],
  ["task.attempt", "an integer >= 1"],
  ["task.task_queue", "a string"],
  ["task.connection", "a string or null"],
  ["task.idempotency_key", "a string"],
  ["workflow", "an object"],
  ["workflow.id", "a string"],
  ["workflow.run_id", "a string"],
  ["lease", "an object"],
  ["lease.owner", "a string"],
  ["lease.expires_at", "a string"],
  ["lease.heartbeat_endpoint", "a string"],
  ["payloads", "an object"],
  ["payloads.arguments", "an object or null"],
  ["headers", "an object"],
] as const;

const ACTIVITY_FIELDS = [
  ["task.activity_attempt_id", "a string"],
  ["task.handler", "a string"],
  ["deadlines", "an object"],
  ["deadlines.schedule_to_start", "a string or null"],
  ["deadlines.start_to_close", "a string or null"],
  ["deadlines.schedule_to_close", "a string or null"],
  ["deadlines.heartbeat", "a string or null"],
] as const;

const WORKFLOW_FIELDS = [
  ["task.handler", "a string or null"],
  ["task.compatibility", "a string or null"],
  ["workflow.status", "a string or null"],
  ["workflow.resume", "an object"],
  ["history", "an object"],
  ["history.events", "a list"],
  ["history.last_sequence", "an integer"],
  ["history.next_page_token", "a string or null"],
  ["history.encoding", "a string or null"],
] as const;

/** Fields whose wrong value is shown: they hold names of the contract, not of a business. */
const SHOWN_FIELDS = new Set(["schema", "version", "task.kind"]);

const REQUIRED_FIELDS = [
  ...[...COMMON_FIELDS, ...ACTIVITY_FIELDS].map(([path, expected]) => ({
    envelope: activityTaskEnvelope(),
    of: "activity",
    path,
    expected,
  })),
  ...[...COMMON_FIELDS, ...WORKFLOW_FIELDS].map(([path, expected]) => ({
    envelope: workflowTaskEnvelope(),
    of: "workflow",
    path,
    expected,
  })),
];

describe("parseExternalTaskInput", () => {
  it("reads an activity task", () => {
    expect(parseExternalTaskInput(activityTaskEnvelope())).toEqual({
      kind: "activity_task",
      task: {
        id: "task-lamp-7",
        attempt: 2,
        activityAttemptId: "attempt-lamp-7-b",
        taskQueue: "lamps",
        handler: "lamps.dim",
        connection: null,
        externalExecutor: null,
        idempotencyKey: "execution-lamp-7",
      },
      workflow: { id: "evening-routine", runId: "run-evening-1" },
      lease: {
        owner: "carrier-cellar",
        expiresAt: "2999-06-01T12:30:00.000000Z",
        heartbeatEndpoint: "/api/worker/activity-tasks/task-lamp-7/heartbeat",
        renewedBy: null,
        sentAt: null,
      },
      arguments: { codec: "avro", blob: "wwHioz3/VYAiNwwECgxsYW1wLTcEBgA=" },
      deadlines: {
        scheduleToStart: "2999-06-01T12:05:00.000000Z",
        startToClose: "2999-06-01T12:20:00.000000Z",
        scheduleToClose: "2999-06-01T13:00:00.000000Z",
        heartbeat: "2999-06-01T12:10:00.000000Z",
      },
      headers: { traceparent: "00-11112222333344445555666677778888-9999aaaabbbbcccc-01" },
    });
  });

  it("reads a workflow task", () => {
    expect(parseExternalTaskInput(workflowTaskEnvelope())).toEqual({
      kind: "workflow_task",
      task: {
        id: "task-evening-4",
        attempt: 1,
        taskQueue: "routines",
        handler: "routines.evening",
        connection: "cellar",
        compatibility: "build-2999-06",
        idempotencyKey: "task-evening-4:1",
      },
      workflow: {
        id: "evening-routine",
        runId: "run-evening-1",
        status: "waiting",
        resume: { workflow_wait_kind: "timer", timer_id: "timer-dusk" },
      },
      lease: {
        owner: "runtime-attic",
        expiresAt: "2999-06-01T12:30:00.000000Z",
        heartbeatEndpoint: "/api/worker/workflow-tasks/task-evening-4/heartbeat",
        renewedBy: null,
        sentAt: null,
      },
      arguments: null,
      history: {
        events: [{ event_type: "WorkflowStarted", sequence: 1 }],
        lastSequence: 5,
        nextPageToken: null,
        encoding: null,
      },
      headers: {},
    });
  });

  it.each([
    ["a null connection", activityTaskEnvelope(), "task.connection", null],
    ["a connection", activityTaskEnvelope(), "task.connection", "cellar"],
    ["the largest attempt", activityTaskEnvelope(), "task.attempt", LARGEST],
    ["empty strings", activityTaskEnvelope(), "task.id", ""],
    ["no executor", activityTaskEnvelope(), "task.external_executor", undefined],
    ["a null executor", activityTaskEnvelope(), "task.external_executor", null],
    ["an executor", activityTaskEnvelope(), "task.external_executor", { carrier: "lamps" }],
    ["null arguments", activityTaskEnvelope(), "payloads.arguments", null],
    ["arguments without codec", activityTaskEnvelope(), "payloads.arguments", {}],
    ["a deadline that is no timestamp", activityTaskEnvelope(), "deadlines.heartbeat", "soon"],
    ["a lease end that is no timestamp", activityTaskEnvelope(), "lease.expires_at", "later"],
    ["empty headers", activityTaskEnvelope(), "headers", {}],
    ["headers of any type", activityTaskEnvelope(), "headers", { baggage: ["a", 1, null] }],
    ["a null workflow type", workflowTaskEnvelope(), "task.handler", null],
    ["a null status", workflowTaskEnvelope(), "workflow.status", null],
    ["no events", workflowTaskEnvelope(), "history.events", []],
    ["the least sequence number", workflowTaskEnvelope(), "history.last_sequence", -LARGEST],
  ])("accepts %s", (_, envelope, path, value) => {
    expect(() => parseExternalTaskInput(withField(envelope, path, value))).not.toThrow();
  });

  it.each([
    ["an empty list", []],
    ["an empty object", {}],
  ])("takes %s for no headers", (_, headers) => {
    expect(parseExternalTaskInput(withField(activityTaskEnvelope(), "headers", headers)).headers).toEqual({});
  });

  it.each([
    ["a name", "caller", "caller"],
    ["null", null, null],
    ["nothing", undefined, null],
    ["another type", 7, null],
  ])("reads lease.renewed_by of %s", (_, value, renewedBy) => {
    const input = parseExternalTaskInput(withField(activityTaskEnvelope(), "lease.renewed_by", value));
    expect(input.lease.renewedBy).toBe(renewedBy);
  });

  it.each([
    ["a timestamp", "2026-04-22T01:10:00.5Z", "2026-04-22T01:10:00.5Z"],
    ["another text", "noon", null],
    ["a day that there is not", "2026-02-30T00:00:00Z", null],
    ["null", null, null],
    ["nothing", undefined, null],
    ["another type", 7, null],
    ["a list", ["2026-04-22T01:10:00Z"], null],
  ])("reads lease.sent_at of %s", (_, value, sentAt) => {
    const input = parseExternalTaskInput(withField(activityTaskEnvelope(), "lease.sent_at", value));
    expect(input.lease.sentAt).toBe(sentAt);
  });

  it.each([
    { envelope: activityTaskEnvelope(), sections: ["", "task", "workflow", "lease", "payloads", "deadlines"] },
    { envelope: workflowTaskEnvelope(), sections: ["", "task", "workflow", "lease", "payloads", "history"] },
  ])("ignores unknown fields in $sections", ({ envelope, sections }) => {
    let extended: unknown = envelope;
    for (const section of sections) extended = withField(extended, `${section}.x_unknown`, { any: ["thing"] });
    expect(parseExternalTaskInput(extended)).toEqual(parseExternalTaskInput(envelope));
  });

  it("ignores the fields of the other kind", () => {
    const extended = { ...activityTaskEnvelope(), history: "none" };
    expect(parseExternalTaskInput(extended)).toEqual(parseExternalTaskInput(activityTaskEnvelope()));
  });

  it.each(["", "task", "workflow", "lease", "payloads", "payloads.arguments", "deadlines"])(
    "takes an empty list for an empty object in headers only, not in %j",
    (path) => {
      expect(() => parseExternalTaskInput(withField(activityTaskEnvelope(), path, []))).toThrow(
        /must be an object.*, got a list/,
      );
    },
  );

  it.each([["text"], [[]], [7], [false]])("refuses an executor that is %j", (executor) => {
    expect(() => parseExternalTaskInput(withField(activityTaskEnvelope(), "task.external_executor", executor))).toThrow(
      "task.external_executor must be an object or null, got",
    );
  });

  describe.each(REQUIRED_FIELDS)("of a $of task, field $path", ({ envelope, path, expected }) => {
    it.each(UNMET_HERE[expected] ?? [])("refuses %j", (value, received) => {
      expect(() => parseExternalTaskInput(withField(envelope, path, value))).toThrow(
        expect.objectContaining({
          name: "ExternalTaskInputError",
          path,
          expected,
          message: `${path === "" ? "the document" : path} must be ${expected}, got ${received}`,
        }),
      );
    });
  });

  it.each(REQUIRED_FIELDS.filter(({ path }) => !SHOWN_FIELDS.has(path)))(
    "gives no content away where $path of a $of task is wrong",
    ({ envelope, path }) => {
      for (const value of ["Jane Doe", ["Jane Doe"], { "Jane Doe": "Jane Doe" }]) {
        const violations = externalTaskInputViolations(withField(envelope, path, value));
        expect(JSON.stringify(violations)).not.toContain("Jane");
      }
    },
  );

  it("reports the first violation in reading order", () => {
    const broken = withField(withField(activityTaskEnvelope(), "headers", 1), "task.attempt", 0);
    expect(() => parseExternalTaskInput(broken)).toThrow("task.attempt must be an integer >= 1, got 0");
  });
});

describe("externalTaskInputViolations", () => {
  it.each([[activityTaskEnvelope()], [workflowTaskEnvelope()]])("finds none in a valid envelope", (envelope) => {
    expect(externalTaskInputViolations(envelope)).toEqual([]);
  });

  it.each(REQUIRED_FIELDS)("reports $path missing from the $of task", ({ envelope, path, expected }) => {
    const violations = externalTaskInputViolations(withField(envelope, path, undefined));
    expect(violations).toContainEqual({ path, expected, received: "nothing" });
  });

  it("reports every violation, in reading order", () => {
    let broken = withField(activityTaskEnvelope(), "version", 2);
    broken = withField(broken, "task.attempt", true);
    broken = withField(broken, "lease.owner", undefined);
    broken = withField(broken, "payloads.arguments", "text");
    broken = withField(broken, "deadlines.heartbeat", 60);
    broken = withField(broken, "headers", [1]);
    expect(externalTaskInputViolations(broken)).toEqual([
      { path: "version", expected: "1", received: "2" },
      { path: "task.attempt", expected: "an integer >= 1", received: "true" },
      { path: "lease.owner", expected: "a string", received: "nothing" },
      { path: "payloads.arguments", expected: "an object or null", received: "a string" },
      { path: "deadlines.heartbeat", expected: "a string or null", received: "60" },
      { path: "headers", expected: "an object", received: "a list" },
    ]);
  });

  it("reports every violation of a workflow task", () => {
    let broken = withField(workflowTaskEnvelope(), "workflow.resume", null);
    broken = withField(broken, "history", undefined);
    expect(externalTaskInputViolations(broken).map(({ path }) => path)).toEqual([
      "history",
      "workflow.resume",
      "history.events",
      "history.last_sequence",
      "history.next_page_token",
      "history.encoding",
    ]);
  });

  it.each([null, undefined, [], "text", 7])("reports every field of %j as missing", (value) => {
    const paths = externalTaskInputViolations(value).map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set([...COMMON_FIELDS, ...ACTIVITY_FIELDS].map(([path]) => path)));
  });
});

describe("ExternalTaskInputError", () => {
  it("is told apart from other errors by its brand", () => {
    const error = new ExternalTaskInputError({ path: "task.id", expected: "a string", received: "null" });
    expect(isExternalTaskInputError(error)).toBe(true);
    expect(isExternalTaskResultError(error)).toBe(false);
    for (const other of [new Error("task.id must be a string, got null"), error.message, null, undefined]) {
      expect(isExternalTaskInputError(other)).toBe(false);
    }
  });

  it("is recognised when another copy of the library threw it", async () => {
    vi.resetModules();
    const copy = await import("./index.js");
    const thrown = [copy.parseExternalTaskInput, copy.parseExternalTaskInputArtifact].map((parse) => {
      try {
        return parse({});
      } catch (error) {
        return error;
      }
    });
    for (const error of thrown) {
      expect(error).not.toBeInstanceOf(ExternalTaskInputError);
      expect(isExternalTaskInputError(error)).toBe(true);
      expect(isExternalTaskResultError(error)).toBe(false);
    }
  });
});
