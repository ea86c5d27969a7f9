import { buildTaskInput, type TaskInputOptions } from "@durable-workflow/carrier/testing";
import { type RuntimeCase, type RuntimeRequest } from "./cases.js";

function task(activityType: string, args: readonly unknown[], more: TaskInputOptions = {}): () => RuntimeRequest {
  return () => ({ document: buildTaskInput({ activityType, args, ...more }) });
}

/** What every example must do. Its activities are the same everywhere. */
export const exampleCases: readonly RuntimeCase[] = [
  {
    id: "example/health",
    promise: "GET is a health request, and a task follows it on the same connection.",
    steps: [
      { request: () => ({ method: "GET" }), expect: { outcome: "health" } },
      { request: task("greetings.greet", ["Ada"]), expect: { outcome: "success", value: "Hello, Ada" } },
    ],
  },
  {
    id: "example/failure",
    promise: "A failure for good is one.",
    steps: [
      {
        request: task("greetings.greet", [""]),
        expect: {
          outcome: "failure",
          kind: "application",
          classification: "application_error",
          messageIncludes: "needs a name",
          retryable: false,
        },
      },
    ],
  },
  {
    id: "example/deadline",
    promise: "A task is answered for at its deadline.",
    steps: [
      {
        request: task("greetings.wait", [20_000], { startToCloseMs: 400 }),
        expect: {
          outcome: "failure",
          kind: "timeout",
          classification: "deadline_exceeded",
          retryable: true,
          timeoutType: "deadline_exceeded",
          withinMs: 10_000,
        },
      },
    ],
  },
  {
    id: "example/gate",
    promise: "Another's token gets 401, and so does none.",
    steps: [
      {
        request: () => ({ ...task("greetings.greet", ["Ada"])(), headers: { authorization: "Bearer another" } }),
        expect: { outcome: "refusal", status: 401, error: "unauthorized" },
      },
      {
        request: () => ({ ...task("greetings.greet", ["Ada"])(), anonymous: true }),
        expect: { outcome: "refusal", status: 401, error: "unauthorized" },
      },
    ],
  },
];

/** A task that runs for longer than any platform's own patience with a silent connection; for those that have one. */
export const longCase: RuntimeCase = {
  id: "example/long",
  promise: "A task of 14 seconds is answered.",
  steps: [{ request: task("greetings.wait", [14_000]), expect: { outcome: "success", value: "waited" } }],
};
