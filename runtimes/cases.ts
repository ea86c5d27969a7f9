import { type AvroValue, avroDouble } from "@durable-workflow/carrier";
import {
  buildTaskInput,
  type ConformanceExpectation,
  type ConformanceRequest,
  type ExpectedFailure,
  type TaskInputOptions,
} from "@durable-workflow/carrier/testing";

/** What every platform must do, as data: requests that follow each other on one connection, and what comes back. */
export interface RuntimeCase {
  readonly id: string;
  /** What is promised, in a sentence. */
  readonly promise: string;
  readonly steps: readonly RuntimeStep[];
}

export interface RuntimeStep {
  /** Made when it is sent: deadlines are relative to that instant. */
  readonly request: (platform: { readonly given: string }) => RuntimeRequest;
  readonly expect: RuntimeExpectation | ((platform: { readonly given: string }) => RuntimeExpectation);
  /** How often it is sent, all at once, each on a connection of its own. Default once. */
  readonly atOnce?: number;
}

export interface RuntimeRequest extends ConformanceRequest {
  /** Whether something before the carrier reads the body. */
  readonly read?: true;
  /** Whether its length is not told before. */
  readonly chunked?: true;
  /** The client goes away after so long, without an answer. */
  readonly leaveAfterMs?: number;
}

/** `left`: the client did not wait for an answer. */
export type RuntimeExpectation = ConformanceExpectation | { readonly outcome: "left" } | ExpectedHealth;

/** The client did not wait for an answer; its connection is gone. */
export const LEFT: RuntimeExpectation = { outcome: "left" };

/** 200 without a result. */
export interface ExpectedHealth {
  readonly outcome: "health";
}

export const TOKEN = "runtimes-token";
const MIB = 1024 * 1024;
/** As the apps set it. */
const BODY_LIMIT = 4 * MIB;

function task(activityType: string, args?: readonly unknown[], more: TaskInputOptions = {}): () => RuntimeRequest {
  return () => ({ document: buildTaskInput({ activityType, ...(args && { args }), ...more }) });
}

function echo(id: string, promise: string, value: AvroValue): RuntimeCase {
  return {
    id: `values/${id}`,
    promise,
    steps: [{ request: task("conformance.echo", [value]), expect: { outcome: "success", value } }],
  };
}

function fails(
  id: string,
  promise: string,
  request: RuntimeStep["request"],
  expected: Partial<ExpectedFailure>,
): RuntimeCase {
  const common = {
    outcome: "failure",
    kind: "application",
    classification: "application_error",
    retryable: true,
  } as const;
  return { id: `failures/${id}`, promise, steps: [{ request, expect: { ...common, ...expected } }] };
}

/** The next task of the connection is served as if nothing had been. */
const NEXT: RuntimeStep = {
  request: task("conformance.echo", ["next"]),
  expect: { outcome: "success", value: "next" },
};

function refused(
  id: string,
  promise: string,
  request: RuntimeStep["request"],
  status: number,
  error: string,
): RuntimeCase {
  return {
    id: `refusals/${id}`,
    promise: `${promise}, and the next task of the connection is served.`,
    steps: [{ request, expect: { outcome: "refusal", status, error } }, NEXT],
  };
}

function large(bytes: number): string {
  const document = buildTaskInput({ activityType: "conformance.count", args: [1] });
  return JSON.stringify({ ...document, padding: "x".repeat(bytes) });
}

let waits = 0;
let waiting = "";

export const runtimeCases: readonly RuntimeCase[] = [
  echo("text", "A text comes back.", "Ada"),
  echo("unicode", "So does every plane of Unicode.", "é ß 漢字 👩‍👩‍👧 \u{10FFFF} \u0000 \u2028 \u202E"),
  echo("bigint", "Integers beyond the safe range are exact.", 2n ** 63n - 1n),
  echo("negative-bigint", "Negative ones too.", -(2n ** 63n)),
  {
    id: "values/double",
    promise: "A double stays a double.",
    steps: [{ request: task("conformance.as-double", [7]), expect: { outcome: "success", value: avroDouble(7) } }],
  },
  echo(
    "bytes",
    "Bytes come back, each of them.",
    Uint8Array.from({ length: 256 }, (_, index) => index),
  ),
  echo("nested", "Lists and maps nest.", { list: [1, null, true, { deep: ["x", { er: -1 }] }], empty: {} }),
  {
    id: "values/nothing",
    promise: "A handler that returns nothing gives null.",
    steps: [{ request: task("conformance.nothing"), expect: { outcome: "success", value: null } }],
  },
  {
    id: "values/large-arguments",
    promise: "Arguments of 2 MiB arrive: more than any framework's own limit.",
    steps: [
      { request: task("conformance.count", ["x".repeat(2 * MIB), 2]), expect: { outcome: "success", value: 2 } },
      NEXT,
    ],
  },
  {
    id: "values/large-result",
    promise: "A result of 5 MiB is answered.",
    steps: [
      { request: task("runtimes.text", [5 * MIB]), expect: { outcome: "success", value: "x".repeat(5 * MIB) } },
      NEXT,
    ],
  },
  fails("thrown", "A handler that throws fails the task, which may be retried.", task("conformance.fail", ["down"]), {
    type: "ConformanceFailure",
    messageIncludes: "down",
    stackTrace: true,
  }),
  fails("type-error", "So does an error of the language.", task("conformance.fail-type-error"), { type: "TypeError" }),
  fails("for-good", "A failure may be final.", task("conformance.fail-non-retryable", ["no"]), {
    type: "ConformanceRefusal",
    messageIncludes: "no",
    retryable: false,
  }),
  fails("details", "A failure may have details.", task("conformance.fail-with-details", ["no", { card: "é" }]), {
    type: "ConformanceFailure",
    detailsInclude: { card: "é" },
    detailsTagged: true,
  }),
  fails("cancelled", "A handler may say that it was cancelled.", task("conformance.cancel", ["stopped"]), {
    kind: "cancellation",
    classification: "cancelled",
    retryable: false,
    cancelled: true,
  }),
  fails("unencodable", "A value that no payload holds is a failure.", task("conformance.return-unencodable"), {
    kind: "decode_failure",
    classification: "decode_failure",
    retryable: false,
  }),
  fails("unknown", "A task of an unknown activity fails for good.", task("nobody.knows"), {
    type: "UnknownActivityHandler",
    retryable: false,
  }),
  fails(
    "codec",
    "Arguments of an unknown codec are refused.",
    task("conformance.echo", undefined, { payload: { codec: "morse", blob: "Lg==" } }),
    { kind: "unsupported_payload", classification: "unsupported_payload_codec", retryable: false },
  ),
  fails(
    "undecodable",
    "Arguments that are no base64 are a decode failure.",
    task("conformance.echo", undefined, { payload: { codec: "avro", blob: "***" } }),
    { kind: "decode_failure", classification: "decode_failure", retryable: false },
  ),
  fails(
    "late",
    "A task whose deadline is past is not run.",
    task("conformance.echo", [1], { startToCloseMs: -60_000 }),
    {
      kind: "timeout",
      classification: "deadline_exceeded",
      timeoutType: "deadline_exceeded",
      detailsName: "deadlines.start_to_close",
    },
  ),
  fails(
    "too-slow",
    "A handler that is not done at its deadline is answered for.",
    task("conformance.sleep", [20_000], { startToCloseMs: 400 }),
    {
      kind: "timeout",
      classification: "deadline_exceeded",
      timeoutType: "deadline_exceeded",
      detailsName: "deadlines.start_to_close",
      withinMs: 10_000,
    },
  ),
  refused("not-json", "A body that is no JSON gets 400", () => ({ body: "no" }), 400, "invalid_invocable_request"),
  refused("cut-off", "So does one that is cut off", () => ({ body: '{"schema":' }), 400, "invalid_invocable_request"),
  refused("empty", "So does none at all", () => ({ body: "" }), 400, "invalid_invocable_request"),
  refused("list", "So does a list", () => ({ body: "[]" }), 400, "invalid_invocable_request"),
  refused(
    "not-utf8",
    "So do bytes that are no UTF-8",
    () => ({ body: Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d) }),
    400,
    "invalid_invocable_request",
  ),
  refused(
    "violation",
    "So does an envelope that violates the contract",
    task("conformance.echo", [1], { task: { attempt: 0 } }),
    400,
    "invalid_invocable_request",
  ),
  refused("oversize", "A body over the limit gets 413", () => ({ body: large(BODY_LIMIT) }), 413, "payload_too_large"),
  refused(
    "oversize-chunked",
    "So does one whose length is not told",
    () => ({ body: large(BODY_LIMIT), chunked: true }),
    413,
    "payload_too_large",
  ),
  refused(
    "oversize-far",
    "So does one of four times the limit",
    () => ({ body: large(4 * BODY_LIMIT) }),
    413,
    "payload_too_large",
  ),
  refused(
    "no-token",
    "Without a token there is 401",
    () => ({ ...task("conformance.echo", [1])(), anonymous: true }),
    401,
    "unauthorized",
  ),
  refused(
    "wrong-token",
    "With another's too",
    () => ({ ...task("conformance.echo", [1])(), headers: { authorization: "Bearer another" } }),
    401,
    "unauthorized",
  ),
  refused(
    "wrong-token-oversize",
    "And without reading a body over the limit",
    () => ({ body: large(BODY_LIMIT), headers: { authorization: "Bearer another" } }),
    401,
    "unauthorized",
  ),
  refused(
    "put",
    "A method other than POST gets 405",
    () => ({ ...task("conformance.echo", [1])(), method: "PUT" }),
    405,
    "method_not_allowed",
  ),
  refused(
    "compressed",
    "A compressed body gets 415",
    () => ({ body: Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3), headers: { "content-encoding": "gzip" } }),
    415,
    "unsupported_content_encoding",
  ),
  {
    id: "requests/health",
    promise: "GET is a health request.",
    steps: [{ request: () => ({ method: "GET" }), expect: { outcome: "health" } }, NEXT],
  },
  {
    id: "requests/media-type-with-parameter",
    promise: "The media type may have parameters.",
    steps: [
      {
        request: () => ({
          ...task("conformance.echo", [1])(),
          headers: { "content-type": "application/vnd.durable-workflow.external-task-input+json; charset=utf-8" },
        }),
        expect: { outcome: "success", value: 1 },
      },
    ],
  },
  {
    id: "requests/plain-json",
    promise: "The media type may be that of JSON.",
    steps: [
      {
        request: () => ({ ...task("conformance.echo", [1])(), headers: { "content-type": "application/json" } }),
        expect: { outcome: "success", value: 1 },
      },
    ],
  },
  {
    id: "requests/form-media-type",
    promise: "A media type that frameworks would parse as something else changes nothing.",
    steps: [
      {
        request: () => ({
          ...task("conformance.echo", [1])(),
          headers: { "content-type": "application/x-www-form-urlencoded" },
        }),
        expect: { outcome: "success", value: 1 },
      },
    ],
  },
  {
    id: "requests/chunked",
    promise: "A body may come in chunks.",
    steps: [
      {
        request: () => ({ ...task("conformance.echo", ["é"])(), chunked: true }),
        expect: { outcome: "success", value: "é" },
      },
      NEXT,
    ],
  },
  {
    id: "requests/read-before",
    promise: "A body that something before the carrier has read is found.",
    steps: [
      {
        request: () => ({ ...task("conformance.echo", ["é"])(), read: true }),
        expect: { outcome: "success", value: "é" },
      },
      NEXT,
    ],
  },
  {
    id: "requests/many",
    promise: "Twenty tasks at once do not mix.",
    steps: [{ request: task("conformance.sleep", [50]), expect: { outcome: "success", value: 50 }, atOnce: 20 }],
  },
  {
    id: "platform/given",
    promise: "An activity finds what the platform gave.",
    steps: [{ request: task("runtimes.given"), expect: ({ given }) => ({ outcome: "success", value: given }) }],
  },
  {
    id: "platform/disconnect",
    promise: "A client that goes away ends the run.",
    steps: [
      {
        request: () => {
          waiting = `wait-${++waits}`;
          return { ...task("runtimes.wait", [waiting])(), leaveAfterMs: 2_500 };
        },
        expect: LEFT,
      },
      {
        request: () => task("runtimes.ended", [waiting])(),
        expect: { outcome: "success", value: "CallerDisconnected" },
      },
    ],
  },
];
