import { describe, expect, it } from "vitest";
import { withField } from "../../../test/support/envelopes.js";
import { InvocableActivityHandler } from "../../activity/index.js";
import { type AvroValue, avroDouble, payloadEnvelope } from "../../payload/index.js";
import { EXTERNAL_TASK_RESULT_MEDIA_TYPE, parseExternalTaskInput } from "../../protocol/index.js";
import { conformanceCases } from "./cases.js";
import { type ConformanceObservation, checkConformance } from "./check.js";
import { conformanceHandlers } from "./handlers.js";
import type { ConformanceCase, ConformanceExpectation } from "./types.js";

const carrier = new InvocableActivityHandler(conformanceHandlers);

function caseOf(id: string): ConformanceCase {
  const found = conformanceCases.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no case ${id}`);
  return found;
}

/** What this library's own carrier answers, over an HTTP that never fails. */
async function answered(test: ConformanceCase): Promise<ConformanceObservation> {
  const request = test.request({ now: Date.now() });
  const body = JSON.stringify(await carrier.handle(JSON.parse(JSON.stringify(request.document))));
  return { request, status: 200, headers: { "content-type": EXTERNAL_TASK_RESULT_MEDIA_TYPE }, body, elapsedMs: 1 };
}

/** The answer with one field of its envelope replaced. */
async function withAnswerField(test: ConformanceCase, path: string, value: unknown): Promise<ConformanceObservation> {
  const answer = await answered(test);
  return { ...answer, body: JSON.stringify(withField(JSON.parse(answer.body), path, value)) };
}

function whats(test: ConformanceCase, observed: ConformanceObservation): readonly string[] {
  return checkConformance(test, observed).map(({ what }) => what);
}

const SUCCESS = "identity/echoed";
const FAILURE = "failure/details";
const EXPIRED = "deadlines/past-on-receipt/deadlines.start_to_close";

describe("an answer that conforms", () => {
  it.each([SUCCESS, FAILURE, EXPIRED, "values/nested-map", "cancellation/reported"])(
    "differs in nothing: %s",
    async (id) => {
      expect(checkConformance(caseOf(id), await answered(caseOf(id)))).toEqual([]);
    },
  );

  it("may come without HTTP, without a time, and with a parameter in its media type", async () => {
    const answer = await answered(caseOf(SUCCESS));
    const { request, body } = answer;
    const headers = { "content-type": `${EXTERNAL_TASK_RESULT_MEDIA_TYPE}; charset=utf-8` };
    expect(checkConformance(caseOf(SUCCESS), { request, body })).toEqual([]);
    expect(checkConformance(caseOf(SUCCESS), { ...answer, headers })).toEqual([]);
  });

  it("may have its map entries in any order, and unknown fields", async () => {
    const test: ConformanceCase = { ...caseOf(SUCCESS), expect: { outcome: "success", value: { a: 1, b: [2] } } };
    const answer = await withAnswerField(test, "result.payload", { ...payloadEnvelope({ b: [2], a: 1 }), size: 7 });
    expect(checkConformance(test, answer)).toEqual([]);
  });
});

describe("an answer that differs", () => {
  it.each([
    // of a success
    [SUCCESS, "task.id", "another", "task"],
    [SUCCESS, "task.kind", "workflow_task", "task"],
    [SUCCESS, "task.attempt", 2, "task"],
    [SUCCESS, "task.idempotency_key", "another", "task"],
    [SUCCESS, "outcome.recorded", false, "outcome.recorded"],
    [SUCCESS, "metadata.handler", "another", "metadata.handler"],
    [SUCCESS, "metadata.handler", null, "metadata.handler"],
    [SUCCESS, "metadata.carrier", "", "metadata.carrier"],
    [SUCCESS, "metadata.duration_ms", undefined, "metadata.duration_ms"],
    [SUCCESS, "metadata.duration_ms", -1, "metadata.duration_ms"],
    [SUCCESS, "result", null, "result.payload"],
    [SUCCESS, "result.payload", null, "result.payload"],
    [SUCCESS, "result.payload", { codec: "json", blob: '"hello"' }, "result.payload"],
    [SUCCESS, "result.payload", payloadEnvelope("hallo"), "result.payload, decoded"],
    [SUCCESS, "result.metadata.content_type", "application/json", "result.metadata.content_type"],
    [SUCCESS, "schema", "another", "schema"],
    [SUCCESS, "", [], "body"],
    // of a failure
    [FAILURE, "failure.kind", "handler_crash", "failure.kind"],
    [FAILURE, "failure.classification", "timeout", "failure.classification"],
    [FAILURE, "failure.message", "something else", "failure.message"],
    [FAILURE, "failure.message", " ", "failure.message"],
    [FAILURE, "failure.timeout_type", "heartbeat", "failure.timeout_type"],
    [FAILURE, "failure.cancelled", true, "failure.cancelled"],
    [FAILURE, "failure.stack_trace", undefined, "failure.stack_trace"],
    [FAILURE, "outcome.retryable", false, "outcome.retryable"],
    [FAILURE, "failure.details", null, "failure.details"],
    [FAILURE, "failure.details", { limit: 7 }, "failure.details"],
    [FAILURE, "failure.details", payloadEnvelope({ limit: 7, share: 0.5 }), "failure.details, decoded, who"],
    [
      FAILURE,
      "failure.details",
      payloadEnvelope({ limit: avroDouble(7), share: 0.5, who: ["a"] }),
      "failure.details, decoded, limit",
    ],
    [FAILURE, "failure.details", payloadEnvelope("7"), "failure.details, decoded, limit"],
    ["failure/stack-trace", "failure.stack_trace", null, "failure.stack_trace"],
    ["failure/thrown", "failure.type", "Error", "failure.type"],
    [EXPIRED, "failure.timeout_type", null, "failure.timeout_type"],
    [EXPIRED, "failure.details", payloadEnvelope({}), "failure.details, decoded"],
    [
      EXPIRED,
      "failure.details",
      payloadEnvelope({ deadline: "deadlines.start_to_close", expires_at: "2999" }),
      "failure.details, decoded, expires_at",
    ],
  ])("is told where: %s, %s = %j", async (id, path, value, what) => {
    const observed = await withAnswerField(caseOf(id), path, value);
    const differences = checkConformance(caseOf(id), observed);
    expect(differences.map((difference) => difference.what)).toContain(what);
    for (const { expected, received } of differences)
      expect([expected, received].every((text) => text !== "")).toBe(true);
  });

  it.each([
    ["a status", { status: 202 }, ["status"]],
    ["a media type", { headers: { "content-type": "application/json" } }, ["headers.content-type"]],
    ["no media type", { headers: {} }, ["headers.content-type"]],
    ["no JSON", { body: "<h1>Bad gateway</h1>" }, ["body"]],
    ["an empty body", { body: "" }, ["body"]],
    ["a long time", { elapsedMs: 60_000 }, ["elapsed"]],
  ])("is told by %s", async (_, changes, expected) => {
    const observed = { ...(await answered(caseOf(EXPIRED))), ...changes };
    expect(whats(caseOf(EXPIRED), observed)).toEqual(expected);
  });

  it("is told when a failure was expected and a success came, and the other way round", async () => {
    const [success, failure] = [await answered(caseOf(SUCCESS)), await answered(caseOf("failure/thrown"))];
    expect(whats(caseOf("failure/thrown"), success)).toContain("outcome");
    expect(whats(caseOf(SUCCESS), failure)).toContain("outcome");
  });

  it("shows what came in a form that people can read", async () => {
    const test = caseOf("values/double-returned");
    const observed = await withAnswerField(test, "result.payload", payloadEnvelope(7));
    expect(checkConformance(test, observed)).toEqual([
      { what: "result.payload, decoded", expected: '{"$type":"double","value":"7.0"}', received: "7" },
    ]);
    const page = { ...observed, body: "x".repeat(100_000) };
    expect(checkConformance(test, page)[0]?.received.length).toBeLessThan(300);
  });
});

describe("a finding is told once", () => {
  it("untagged details by the cases that ask for the tag, and by no other", async () => {
    const untagged = async (test: ConformanceCase) => {
      const observed = await answered(test);
      const answer = JSON.parse(observed.body);
      const { expiresAt, startToClose } = timesOf(test, observed);
      const details = { deadline: "deadlines.start_to_close", expires_at: startToClose ?? expiresAt, limit: 7 };
      return { ...observed, body: JSON.stringify(withField(answer, "failure.details", details)) };
    };
    expect(whats(caseOf(EXPIRED), await untagged(caseOf(EXPIRED)))).toEqual([]);
    for (const id of ["deadlines/details-tagged", FAILURE]) {
      expect(whats(caseOf(id), await untagged(caseOf(id)))).toEqual(["failure.details"]);
    }
  });

  it("an empty message by the case that asks for one", async () => {
    const empty = async (id: string) => withAnswerField(caseOf(id), "failure.message", "");
    expect(whats(caseOf("failure/no-message"), await empty("failure/no-message"))).toEqual(["failure.message"]);
    expect(whats(caseOf(EXPIRED), await empty(EXPIRED))).toEqual([]);
  });
});

describe("a timeout of the language's own", () => {
  const RUNNING = "deadlines/still-running";

  /** The answer to a deadline that was past on receipt, as the answer to one that passed while the handler ran. */
  async function timedOut(type: string | null, details: unknown): Promise<ConformanceObservation> {
    const observed = await withAnswerField(caseOf(EXPIRED), "failure.type", type);
    return { ...observed, body: JSON.stringify(withField(JSON.parse(observed.body), "failure.details", details)) };
  }

  it("ends a handler as well as the contract's, and need not know which deadline it was", async () => {
    expect(whats(caseOf(RUNNING), await timedOut("TimeoutError", null))).toEqual([]);
  });

  it("has a name, and details that are right where there are any", async () => {
    expect(whats(caseOf(RUNNING), await timedOut(null, null))).toEqual(["failure.type"]);
    expect(whats(caseOf(RUNNING), await timedOut("TimeoutError", payloadEnvelope({})))).toContain(
      "failure.details, decoded",
    );
  });

  it("is not what a deadline that is past on receipt gives", async () => {
    expect(whats(caseOf(EXPIRED), await timedOut("TimeoutError", null))).toEqual(["failure.type", "failure.details"]);
  });
});

/** The deadlines that the case's request has. */
function timesOf(test: ConformanceCase, { request }: ConformanceObservation) {
  const input = parseExternalTaskInput(request.document);
  if (input.kind !== "activity_task") throw new Error(`${test.id} is not an activity's`);
  return { expiresAt: input.lease.expiresAt, startToClose: input.deadlines.startToClose };
}

describe("values", () => {
  const VALUES: readonly AvroValue[] = [
    null,
    false,
    0,
    -0,
    7,
    avroDouble(7),
    0.5,
    2n ** 63n - 1n,
    "",
    "7",
    Uint8Array.of(),
    Uint8Array.of(55),
    [],
    [7],
    [avroDouble(7)],
    [[7]],
    {},
    { a: 7 },
    { a: null },
    { b: 7 },
    { a: 7, b: 7 },
    { length: 0 },
  ];

  it("are equal to themselves and to nothing else", async () => {
    const answer = await answered(caseOf(SUCCESS));
    for (const expected of VALUES) {
      const equal = VALUES.filter((value) => {
        const body = JSON.stringify(withField(JSON.parse(answer.body), "result.payload", payloadEnvelope(value)));
        const expectation: ConformanceExpectation = { outcome: "success", value: expected };
        return checkConformance({ ...caseOf(SUCCESS), expect: expectation }, { ...answer, body }).length === 0;
      });
      expect(equal).toEqual([expected]);
    }
  });
});

describe("a refusal", () => {
  const test = caseOf("http/patch");
  const headers = { "content-type": "application/json", allow: "GET, POST" };
  const body = '{"error":"method_not_allowed","message":"Only POST."}';
  const request = test.request({ now: 0 });

  it("conforms with the status, the code, a message and the headers", () => {
    expect(checkConformance(test, { request, status: 405, headers, body })).toEqual([]);
    expect(checkConformance(test, { request, body })).toEqual([]);
  });

  it.each([
    [{ status: 200 }, "status"],
    [{ headers: { "content-type": "text/html", allow: "POST" } }, "headers.content-type"],
    [{ headers: { "content-type": "application/json" } }, "headers.allow"],
    [{ body: '{"error":"other","message":"m"}' }, "body.error"],
    [{ body: '{"error":"method_not_allowed"}' }, "body.message"],
    [{ body: '{"error":"method_not_allowed","message":""}' }, "body.message"],
    [{ body: "[]" }, "body.error"],
    [{ body: "" }, "body"],
  ])("differs: %j", (changes, what) => {
    expect(whats(test, { request, status: 405, headers, body, ...changes })).toContain(what);
  });
});

describe("every case", () => {
  it.each(conformanceCases)("is not met by a page, by nothing, or by another task's result: $id", async (test) => {
    const other = await answered(caseOf("identity/long"));
    const request = test.request({ now: Date.now() });
    for (const body of ["<h1>Bad gateway</h1>", "", "{}", other.body]) {
      if (test.id === "identity/long" && body === other.body) continue;
      expect(checkConformance(test, { request, body })).not.toEqual([]);
    }
  });
});
