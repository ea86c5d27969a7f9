import { REPORTS_ENDPOINT, TASK_BATCHES_SCHEMA } from "@durable-workflow/engine-protocol";
import { describe, expect, it } from "vitest";
import { systemClock } from "../time/clock.js";
import type { ReportOutcome } from "./outcomes.js";
import type { EngineAnswer } from "./reply.js";
import { type OutgoingReport, ReportBatches } from "./report-batches.js";
import { type BatchLimits, readBatchLimits } from "./task-batches.js";

const RECORDED: ReportOutcome = { kind: "recorded", asFailure: false };
const LIMITS: BatchLimits = { tasks: 64, reports: 8, reportsBytes: 100_000 };

interface Sent {
  readonly ids: readonly string[];
  readonly bytes: number;
  readonly answer: (answer: EngineAnswer) => void;
}

/** An engine that answers when it is told to. */
class Engine {
  readonly alone: string[] = [];
  readonly together: Sent[] = [];
  limits: BatchLimits | undefined = LIMITS;
  /** What each sent alone is answered. */
  outcome: () => Promise<ReportOutcome> = () => Promise.resolve(RECORDED);
  readonly batches = new ReportBatches({
    clock: systemClock,
    limits: () => this.limits,
    sendAlone: ({ task }) => {
      this.alone.push(task.taskId);
      return this.outcome();
    },
    sendTogether: (_, body) => {
      const { reports } = JSON.parse(body) as { reports: readonly { task_id: string }[] };
      return new Promise((answer) => {
        this.together.push({ ids: reports.map(({ task_id: id }) => id), bytes: Buffer.byteLength(body), answer });
      });
    },
    scrub: (text) => text.replaceAll(/s3cret|12345678/g, "[redacted]"),
  });

  report(id: string, more: Partial<OutgoingReport> = {}): Promise<ReportOutcome> {
    return this.batches.send(reportOf(id, more));
  }

  /** Sends so many in one turn; they go together. */
  async several(
    count: number,
    name = "t",
  ): Promise<{ readonly sent: Sent; readonly outcomes: Promise<ReportOutcome>[] }> {
    const before = this.together.length;
    const outcomes = Array.from({ length: count }, (_, n) => this.report(`${name}${n}`));
    await turns();
    const sent = this.together[before];
    if (sent === undefined) throw new Error("nothing was sent together");
    return { sent, outcomes };
  }
}

function reportOf(id: string, more: Partial<OutgoingReport> = {}): OutgoingReport {
  const task = { namespace: "default", taskId: id, attemptId: `A-${id}`, leaseOwner: "w" };
  return {
    task,
    status: "completed",
    body: { activity_attempt_id: `A-${id}`, lease_owner: "w", result: null },
    ...more,
  };
}

const RESULT = (blob: string) => ({
  body: { activity_attempt_id: "A", lease_owner: "w", result: { codec: "avro", blob } },
});

function answered(reports: readonly object[], status = 200): EngineAnswer {
  return { kind: "reply", status, body: { reports }, reason: null, message: "", retryAfterMs: undefined };
}

const refusal = (status: number): EngineAnswer => ({
  kind: "reply",
  status,
  body: {},
  reason: null,
  message: "no",
  retryAfterMs: undefined,
});

const OK = { status: 200, body: { outcome: "completed", recorded: true } };

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a report", () => {
  it("goes alone, at once, where there is no other", async () => {
    const engine = new Engine();
    expect(await engine.report("a")).toEqual(RECORDED);
    expect(await engine.report("b")).toEqual(RECORDED);
    expect([engine.alone, engine.together]).toEqual([["a", "b"], []]);
  });

  it("goes alone to an engine that takes them one by one", async () => {
    const engine = new Engine();
    engine.limits = undefined;
    await Promise.all(["a", "b", "c"].map((id) => engine.report(id)));
    expect([engine.alone, engine.together]).toEqual([["a", "b", "c"], []]);
  });

  it("goes alone where its result is large", async () => {
    const engine = new Engine();
    const { sent, outcomes } = await (async () => {
      const large = engine.report("large", RESULT("x".repeat(20_000)));
      return { ...(await engine.several(2)), large };
    })();
    expect(engine.alone).toEqual(["large"]);
    expect(sent.ids).toEqual(["t0", "t1"]);
    sent.answer(answered([OK, OK]));
    await Promise.all(outcomes);
  });

  it("goes with those that become ready in the same turn, and those that do until an answer comes", async () => {
    const engine = new Engine();
    const first = await engine.several(2, "a");
    const second = await engine.several(4, "b");
    const later = ["c", "d", "e", "f"].map((id) => engine.report(id));
    await turns();
    expect(engine.together).toHaveLength(2);
    first.sent.answer(answered([OK, OK]));
    await turns();
    expect(engine.together[2]?.ids).toEqual(["c", "d", "e", "f"]);
    engine.together[2]?.answer(answered([OK, OK, OK, OK]));
    second.sent.answer(answered([OK, OK, OK, OK]));
    expect(await Promise.all([...first.outcomes, ...second.outcomes, ...later])).toEqual(
      Array.from({ length: 10 }, () => RECORDED),
    );
    expect(engine.alone).toEqual([]);
  });

  it("waits for the answer to the request before it where few have become ready, and goes with them", async () => {
    const engine = new Engine();
    const first = await engine.several(2, "a");
    const few = [engine.report("b"), engine.report("c"), engine.report("d")];
    await turns();
    expect([engine.together.length, engine.alone]).toEqual([1, []]);
    first.sent.answer(answered([OK, OK]));
    await turns();
    expect(engine.together[1]?.ids).toEqual(["b", "c", "d"]);
    engine.together[1]?.answer(answered([OK, OK, OK]));
    await Promise.all(few);
  });

  it("is not held up by requests that hang", async () => {
    const engine = new Engine();
    await engine.several(2, "a");
    await engine.several(4, "b");
    expect(await engine.report("c")).toEqual(RECORDED);
    expect(engine.alone).toEqual(["c"]);
  });

  it("is kept from those of another namespace", async () => {
    const engine = new Engine();
    const other = reportOf("other");
    const sending = [
      engine.report("a"),
      engine.batches.send({ ...other, task: { ...other.task, namespace: "attic" } }),
    ];
    await Promise.all(sending);
    expect(engine.alone.toSorted()).toEqual(["a", "other"]);
  });
});

describe("several reports", () => {
  it("are no more, and no longer, than the engine takes", async () => {
    const engine = new Engine();
    engine.limits = { ...LIMITS, reports: 3, reportsBytes: 2_000 };
    const blobs = ["", "", "", "", "x".repeat(1_500), "x".repeat(1_500), "x".repeat(15_000)];
    const sending = blobs.map((blob, n) => engine.report(`t${n}`, RESULT(blob)));
    for (let answeredCount = 0; engine.alone.length + answeredCount < 7; ) {
      await turns();
      for (const { ids, answer } of engine.together.slice(0)) answer(answered(ids.map(() => OK)));
      answeredCount = engine.together.reduce((sum, { ids }) => sum + ids.length, 0);
    }
    await Promise.all(sending);
    expect(engine.together.map(({ ids }) => ids)).toEqual([
      ["t0", "t1", "t2"],
      ["t3", "t4"],
    ]);
    expect(engine.together.every(({ bytes }) => bytes <= 2_000)).toBe(true);
    expect(engine.alone).toEqual(["t5", "t6"]);
  });

  it("have each its own answer", async () => {
    const engine = new Engine();
    const { sent, outcomes } = await engine.several(6);
    sent.answer(
      answered([
        OK,
        { status: 409, body: { reason: "stale_attempt", attempt_status: "completed" } },
        { status: 404, body: { reason: "attempt_not_found" } },
        { status: 422, body: { reason: "validation_failed", message: "not s3cret" } },
        { status: 503, body: { reason: "storage_pressure" }, retry_after: "5" },
        { status: "200", body: {} },
      ]),
    );
    expect(await Promise.all(outcomes)).toMatchObject([
      { kind: "recorded" },
      { kind: "closed", byUs: true },
      { kind: "lost", reason: "attempt_not_found" },
      { kind: "rejected", status: 422, message: "not [redacted]" },
      { kind: "unavailable", status: 503, retryAfterMs: 5_000, mayHaveActed: true },
      { kind: "unavailable", mayHaveActed: true },
    ]);
    expect(engine.alone).toEqual([]);
  });

  it.each([400, 403, 413, 414, 415, 422, 431])("that are refused together with %i go one by one", async (status) => {
    const engine = new Engine();
    const { sent, outcomes } = await engine.several(3);
    sent.answer(refusal(status));
    expect(await Promise.all(outcomes)).toEqual([RECORDED, RECORDED, RECORDED]);
    expect(engine.alone).toEqual(["t0", "t1", "t2"]);
  });

  it("go one by one where a page of a proxy refuses them, and are shorter the next time", async () => {
    const engine = new Engine();
    const { sent, outcomes } = await engine.several(8);
    sent.answer({ kind: "broken", why: "not_json", status: 413, retryAfterMs: undefined });
    await Promise.all(outcomes);
    expect(engine.alone).toHaveLength(8);
    const next = await engine.several(8, "n");
    expect(next.sent.ids.length).toBeLessThan(5);
  });

  it.each([404, 405])("go one by one for a while where the route is not known (%i)", async (status) => {
    const engine = new Engine();
    const { sent, outcomes } = await engine.several(2);
    sent.answer(refusal(status));
    await Promise.all(outcomes);
    await Promise.all(["a", "b"].map((id) => engine.report(id)));
    expect(engine.alone).toEqual(["t0", "t1", "a", "b"]);
    expect(engine.together).toHaveLength(1);
  });

  it.each<[string, EngineAnswer, object]>([
    [
      "the connection breaks",
      { kind: "broken", why: "unreachable", status: null, retryAfterMs: undefined },
      { why: "unreachable", status: null, mayHaveActed: true },
    ],
    ["the engine fails", refusal(500), { status: 500, mayHaveActed: true }],
    [
      "a gateway fails",
      { kind: "broken", why: "not_json", status: 502, retryAfterMs: undefined },
      { mayHaveActed: true },
    ],
    [
      "too much is asked",
      { ...refusal(429), retryAfterMs: 7_000 } as EngineAnswer,
      { retryAfterMs: 7_000, mayHaveActed: false },
    ],
    ["the answer is another", answered([OK]), { why: "not_json", mayHaveActed: true }],
    ["the answer has none", answered([], 202), { why: "not_json", mayHaveActed: true }],
  ])("are all as open as the request where %s, and are repeated alone", async (_, answer, expected) => {
    const engine = new Engine();
    const reports = ["a", "b"].map((id) => reportOf(id));
    const outcomes = reports.map((report) => engine.batches.send(report));
    await turns();
    engine.together[0]?.answer(answer);
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ kind: "unavailable", ...expected });
    // What an engine cannot stand takes no other with it.
    expect(await Promise.all(reports.map((report) => engine.batches.send(report)))).toEqual([RECORDED, RECORDED]);
    expect(engine.alone).toEqual(["a", "b"]);
    expect(engine.together).toHaveLength(1);
  });

  it("have answers of their own where one cannot be read without its secrets", async () => {
    const engine = new Engine();
    const { sent, outcomes } = await engine.several(2);
    sent.answer(answered([{ status: 409, body: { reason: "stale_attempt", id: 12345678 } }, OK]));
    expect(await Promise.all(outcomes)).toMatchObject([{ kind: "unavailable", why: "not_json" }, RECORDED]);
  });

  it("are refused each where the token is", async () => {
    const engine = new Engine();
    const { sent, outcomes } = await engine.several(2);
    sent.answer(refusal(401));
    expect(await Promise.all(outcomes)).toMatchObject([{ kind: "refused" }, { kind: "refused" }]);
    expect(engine.alone).toEqual([]);
  });
});

describe("an engine that says what it takes at once", () => {
  const said = {
    supported: true,
    schema: TASK_BATCHES_SCHEMA,
    max_tasks: 10,
    reports_endpoint: REPORTS_ENDPOINT,
    max_reports: 20,
    max_reports_bytes: 3_000,
  };

  it("is taken at its word", () => {
    expect(readBatchLimits({ activity_task_batches: said })).toEqual({ tasks: 10, reports: 20, reportsBytes: 3_000 });
  });

  it.each([
    ["nothing", undefined],
    ["true", true],
    ["that it does not", { ...said, supported: false }],
    ["another schema", { ...said, schema: "durable-workflow.local-engine.activity-task-batches.v2" }],
    ["another route", { ...said, reports_endpoint: "/elsewhere" }],
    ["no number of tasks", { ...said, max_tasks: undefined }],
    ["no reports", { ...said, max_reports: 0 }],
    ["half a byte", { ...said, max_reports_bytes: 0.5 }],
  ])("and says %s is asked one by one", (_, batches) => {
    expect(readBatchLimits({ activity_task_batches: batches })).toBeUndefined();
  });
});
