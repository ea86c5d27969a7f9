import { task, variants } from "./request.js";
import { workflowTask } from "./tasks.js";
import type { ConformanceCase, ExpectedFailure } from "./types.js";

const FAILED = {
  outcome: "failure",
  kind: "application",
  classification: "application_error",
  retryable: true,
} as const satisfies ExpectedFailure;

const UNKNOWN = {
  ...FAILED,
  type: "UnknownActivityHandler",
  messageIncludes: "no invocable activity handler registered",
  retryable: false,
} as const satisfies ExpectedFailure;

/** Names that are no activity, some of which an object of handlers would still answer to. */
const UNREGISTERED = [
  { id: "handler/unknown", handler: "conformance.not-registered" },
  { id: "handler/empty", handler: "" },
  { id: "handler/other-case", handler: "Conformance.Echo" },
  { id: "handler/with-blanks", handler: " conformance.echo " },
  { id: "handler/constructor", handler: "constructor" },
  { id: "handler/to-string", handler: "toString" },
  { id: "handler/proto", handler: "__proto__" },
  { id: "handler/unicode", handler: "conformance.écho-😀" },
];

/** What becomes of a task that reached its handler, or that has none. */
export const outcomeCases: readonly ConformanceCase[] = [
  ...variants(UNREGISTERED, ({ handler }) => ({
    requirement: "required",
    contract: "A task for an activity that is not registered fails for good, as an application failure.",
    request: task(handler, [1]),
    expect: UNKNOWN,
  })),
  {
    id: "handler/workflow-task",
    requirement: "required",
    contract: "A workflow task is refused: carriers are activity-only.",
    request: ({ now }) => ({ document: workflowTask(now) }),
    expect: {
      ...FAILED,
      type: "UnsupportedExternalTaskKind",
      messageIncludes: "only accept activity_task",
      retryable: false,
    },
  },
  {
    id: "failure/thrown",
    requirement: "required",
    contract: "A handler that throws fails the task with the error's message and name; it may be retried.",
    request: task("conformance.fail", ["the gateway is down"]),
    expect: { ...FAILED, type: "ConformanceFailure", messageIncludes: "the gateway is down" },
  },
  {
    id: "failure/stack-trace",
    requirement: "recommended",
    contract: "A handler that throws leaves its stack trace in the failure.",
    request: task("conformance.fail", ["traced"]),
    expect: { ...FAILED, stackTrace: true },
  },
  {
    id: "failure/unicode-message",
    requirement: "required",
    contract: "The message of a failure is any text.",
    request: task("conformance.fail", ["нет\n世界 😀"]),
    expect: { ...FAILED, messageIncludes: "нет\n世界 😀" },
  },
  {
    id: "failure/no-message",
    requirement: "recommended",
    contract: "The message of a failure says something, also where the error says nothing.",
    request: task("conformance.fail-without-message"),
    expect: { ...FAILED, type: "ConformanceFailure", messageNotEmpty: true },
  },
  {
    id: "failure/type-error",
    requirement: "required",
    contract: "A handler's own type error is an application failure, not a decode failure.",
    request: task("conformance.fail-type-error"),
    expect: { ...FAILED, messageIncludes: "conformance: a value of the wrong type" },
  },
  {
    id: "failure/non-retryable",
    requirement: "required",
    contract: "A non-retryable error is not retried.",
    request: task("conformance.fail-non-retryable", ["card declined"]),
    expect: { ...FAILED, type: "ConformanceRefusal", messageIncludes: "card declined", retryable: false },
  },
  {
    id: "failure/details",
    requirement: "recommended",
    contract:
      "The details that a handler gives its error come as a payload tagged with its codec, values of their kind.",
    request: task("conformance.fail-with-details", ["over the limit", { limit: 7, share: 0.5, who: ["a"] }]),
    expect: {
      ...FAILED,
      messageIncludes: "over the limit",
      detailsInclude: { limit: 7, share: 0.5, who: ["a"] },
    },
  },
  {
    id: "cancellation/reported",
    requirement: "recommended",
    contract: "A handler that reports cancellation gives a cancellation with its message, which is not retried.",
    request: task("conformance.cancel", ["stopped half-way"]),
    expect: {
      outcome: "failure",
      kind: "cancellation",
      classification: "cancelled",
      type: "ActivityCancelled",
      messageIncludes: "stopped half-way",
      retryable: false,
      cancelled: true,
    },
  },
  {
    id: "result/unencodable",
    requirement: "required",
    contract: "A return value that no payload can hold is a decode failure, answered with 200.",
    request: task("conformance.return-unencodable"),
    expect: { outcome: "failure", kind: "decode_failure", classification: "decode_failure", retryable: false },
  },
];
