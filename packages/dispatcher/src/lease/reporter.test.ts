import type { FailureReport } from "@durable-workflow/engine-protocol/worker";
import { FakeClock } from "@durable-workflow/test-support/clock";
import { describe, expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import type { Report } from "../delivery/result-mapping.js";
import type { ReportOutcome, Unavailable } from "../engine/outcomes.js";
import { NO_SECRETS } from "../net/secrets.js";
import { type ReportEnd, reportOutcome } from "./reporter.js";

const complete: Report = { kind: "complete", result: null };
const lostAnswer: Unavailable = {
  kind: "unavailable",
  why: "unreachable",
  status: null,
  retryAfterMs: undefined,
  mayHaveActed: true,
};
const tooMany: Unavailable = { ...lostAnswer, status: 429, retryAfterMs: 3_000, mayHaveActed: false };
const stale = (byUs: boolean | null): ReportOutcome => ({ kind: "closed", byUs });
const recorded: ReportOutcome = { kind: "recorded", asFailure: false };
const rejected: ReportOutcome = {
  kind: "rejected",
  status: 422,
  reason: "validation_failed",
  message: "no such codec",
};

/** Reports against answers in order; the last one repeats. */
async function report(answers: readonly ReportOutcome[], { leaseMs = 60_000, outcome = complete, works = true } = {}) {
  const clock = new FakeClock();
  const end = clock.now() + leaseMs;
  const sent: string[] = [];
  const failures: FailureReport[] = [];
  const abort = new AbortController();
  const next = (verb: string): Promise<ReportOutcome> => {
    sent.push(verb);
    return Promise.resolve(answers[Math.min(sent.length, answers.length) - 1] ?? lostAnswer);
  };
  let done: ReportEnd | undefined;
  const running = reportOutcome(leasedTask(), outcome, {
    clock,
    scrubber: NO_SECRETS,
    client: {
      complete: () => next("complete"),
      fail: (_, failure) => {
        failures.push(failure);
        return next("fail");
      },
    },
    untilSurelyGone: () => end - clock.now(),
    engineWorks: () => Promise.resolve(works),
    signal: abort.signal,
  }).then((ended) => {
    done = ended;
  });
  await clock.advance(leaseMs + 20_000);
  expect(clock.liveTimers).toBe(0);
  await running;
  return { done, sent, failures };
}

describe("a report", () => {
  it.each<[string, readonly ReportOutcome[], object]>([
    ["recorded at once", [recorded], { kind: "recorded", tries: 1, outcome: { status: "completed" } }],
    ["recorded after an outage", [lostAnswer, tooMany, recorded], { kind: "recorded", tries: 3 }],
    ["closed after a lost answer counts as reported", [lostAnswer, stale(null)], { kind: "recorded_before" }],
    ["closed by us, as the engine says", [stale(true)], { kind: "recorded_before" }],
    ["closed by another, as the engine says", [lostAnswer, stale(false)], { kind: "superseded" }],
    ["closed without a lost answer was not by us", [stale(null)], { kind: "superseded" }],
    ["closed after a refusal that did nothing was not by us", [tooMany, stale(null)], { kind: "superseded" }],
    ["ignored", [{ kind: "ignored", reason: "run_cancelled" }], { kind: "ignored", reason: "run_cancelled" }],
    ["lost", [{ kind: "lost", reason: "task_mismatch" }], { kind: "lost", reason: "task_mismatch" }],
  ])("%s", async (_, answers, expected) => {
    const { done, sent } = await report(answers);
    expect(done).toMatchObject(expected);
    expect(sent).toHaveLength(answers.length);
  });

  it("is repeated until the lease has surely run out, the last time right then", async () => {
    const { done, sent } = await report([lostAnswer]);
    expect(done).toEqual({ kind: "lost", reason: "lease_expired" });
    expect(sent.length).toBeGreaterThan(8);
  });

  it("that is refused for the token is repeated, slowly: tokens are changed", async () => {
    const refused: ReportOutcome = { kind: "refused", status: 401, reason: "unauthorized", message: "no" };
    const { done, sent } = await report([refused, refused, recorded]);
    expect(done).toMatchObject({ kind: "recorded" });
    expect(sent).toHaveLength(3);
  });

  it("that is not accepted becomes a failure for good, then the end", async () => {
    const { done, sent, failures } = await report([rejected, recorded]);
    expect(done).toMatchObject({ kind: "recorded" });
    expect(sent).toEqual(["complete", "fail"]);
    expect(failures[0]).toMatchObject({
      type: "ReportRejected",
      non_retryable: true,
      details: null,
      message: "The engine does not accept the result (422): no such codec",
    });
    expect(done).toMatchObject({ outcome: { status: "failed", type: "ReportRejected" } });
    expect(await report([rejected])).toMatchObject({ sent: ["complete", "fail", "fail"], done: { kind: "lost" } });
  });

  it("of a result that is a server error every time becomes a failure, where the engine takes other calls", async () => {
    const broken: Unavailable = { ...lostAnswer, why: "Server Error", status: 500 };
    const answers = [...Array.from({ length: 8 }, () => broken), recorded];
    const { done, sent, failures } = await report(answers);
    expect(sent).toEqual([...Array.from({ length: 8 }, () => "complete"), "fail"]);
    expect(failures[0]?.message).toContain("every one of 8 tries was a server error");
    expect(done).toMatchObject({ kind: "recorded" });
    expect(new Set((await report([broken], { works: false })).sent)).toEqual(new Set(["complete"]));
    // One answer of another kind in between, and it is an outage like any other.
    const mixed = [...answers.slice(0, 7), lostAnswer, ...answers.slice(0, 7), recorded];
    expect(new Set((await report(mixed, { leaseMs: 300_000 })).sent)).toEqual(new Set(["complete"]));
  });

  const lampOffline: FailureReport = {
    message: "The lamp does not answer.",
    type: "LampOffline",
    kind: "application",
    cancelled: false,
    malformed_output: false,
    retryable: true,
    non_retryable: false,
    details: null,
  };

  it("of a failure that is not accepted keeps its type and whether it may be retried, and quotes nothing of it", async () => {
    const outcome: Report = { kind: "fail", failure: lampOffline };
    const { done, failures } = await report([rejected, rejected, recorded], { outcome });
    expect(failures.map(({ message }) => message)).toEqual([
      "The lamp does not answer.",
      "The engine does not accept the failure (422): no such codec",
      "The engine did not accept the failure of the activity. It is left out here.",
    ]);
    expect(new Set(failures.map(({ type }) => type))).toEqual(new Set(["LampOffline"]));
    expect(failures.every(({ retryable, non_retryable: final }) => retryable && !final)).toBe(true);
    expect(done).toMatchObject({ kind: "recorded", outcome: { status: "failed", type: "LampOffline" } });
  });

  it("of a failure whose type may be what is refused ends under a fixed one", async () => {
    const failure = { ...lampOffline, type: "Lámpara", retryable: false, non_retryable: true };
    const { failures } = await report([rejected, rejected, recorded], { outcome: { kind: "fail", failure } });
    expect(failures.map(({ type }) => type)).toEqual(["Lámpara", "ReportRejected", "ReportRejected"]);
    expect(failures.at(-1)).toMatchObject({ retryable: false, non_retryable: true });
    expect(failures.at(-1)?.message).toMatch(/^[ -~]+$/);
  });

  it("is mended before it is sent: no engine takes NUL, half a character, or more than it keeps", async () => {
    const failure = { ...lampOffline, message: "\0", type: "Lamp\ud83d", stack_trace: "x".repeat(200_000) };
    const { failures, done } = await report([recorded], { outcome: { kind: "fail", failure } });
    expect(failures[0]).toMatchObject({ message: "The activity failed without a message.", type: "Lamp\ufffd" });
    expect(failures[0]?.stack_trace).toHaveLength(131_072);
    expect(failures[0]?.stack_trace).toMatch(/\[truncated\]$/);
    expect(done).toMatchObject({ outcome: { type: "Lamp\ufffd" } });
    const details = { codec: "avro", blob: "A".repeat(70_000) };
    const large = await report([recorded], { outcome: { kind: "fail", failure: { ...lampOffline, details } } });
    expect(large.failures[0]?.details).toBeNull();
    expect(large.failures[0]?.message).toMatch(/^The lamp does not answer. \(Without its details: \d+ bytes/);
  });

  it("of a result that the engine takes, and records as a failure, is a failure", async () => {
    const { done } = await report([{ kind: "recorded", asFailure: true }]);
    expect(done).toMatchObject({ outcome: { status: "failed", type: "ReportRejected" } });
  });

  it("of a failure whose details are not accepted goes without them, under its own type", async () => {
    const details = { codec: "avro", external_storage: { uri: "file:///lamps/7" } };
    const outcome: Report = { kind: "fail", failure: { ...lampOffline, details } };
    const { done, failures } = await report([rejected, recorded], { outcome });
    expect(done).toMatchObject({ kind: "recorded" });
    expect(failures[1]).toEqual({
      ...lampOffline,
      message: "The lamp does not answer. (Without its details, which the engine does not accept (422): no such codec)",
    });
    const refused = await report([rejected], { outcome });
    expect(refused.failures.map(({ type }) => type)).toEqual([
      "LampOffline",
      "LampOffline",
      "LampOffline",
      "LampOffline",
    ]);
    expect(refused.done).toMatchObject({ kind: "lost" });
  });

  it("of a failure that is a server error every time gives way likewise: it would run again for ever", async () => {
    const broken: Unavailable = { ...lostAnswer, why: "Server Error", status: 500 };
    const details = { codec: "avro", blob: "wwHioz3/VYAiNwoIZG9uZQ==" };
    const outcome: Report = { kind: "fail", failure: { ...lampOffline, details } };
    const { done, failures } = await report([...Array.from({ length: 10 }, () => broken), recorded], {
      outcome,
      leaseMs: 300_000,
    });
    expect(done).toMatchObject({ kind: "recorded" });
    expect(failures.map((failure) => failure.details === null)).toEqual([
      ...Array.from({ length: 8 }, () => false),
      ...Array.from({ length: 3 }, () => true),
    ]);
    expect(failures.at(-1)?.message).toContain("every one of 2 tries was a server error");
  });
});
