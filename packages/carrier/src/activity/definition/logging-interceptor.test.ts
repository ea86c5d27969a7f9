import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../test/support/fake-clock.js";
import { runActivity } from "../../../test/support/run-activity.js";
import { recordingLogger } from "../../testing/recording-logger.js";
import { ActivityCancelled, NonRetryableError } from "../errors.js";
import { interceptWith } from "./interceptor.js";
import { loggingInterceptor } from "./logging-interceptor.js";

const reject = (error: Error) => async () => {
  throw error;
};

describe("loggingInterceptor", () => {
  it.each([
    ["a success", () => "secret", "info", "Activity completed.", {}],
    [
      "a failure that may be retried",
      reject(new RangeError("secret")),
      "warn",
      "Activity failed and may be retried.",
      { classification: "application_error", failure_type: "RangeError", retryable: true },
    ],
    [
      "a final failure",
      reject(new NonRetryableError("secret")),
      "error",
      "Activity failed.",
      { classification: "application_error", failure_type: "NonRetryableError", retryable: false },
    ],
    [
      "a cancellation",
      reject(new ActivityCancelled("secret")),
      "info",
      "Activity cancelled.",
      { classification: "cancelled", failure_type: "ActivityCancelled", retryable: false },
    ],
    [
      "a value that does not encode",
      () => ({ secret: Number.NaN }),
      "error",
      "Activity failed.",
      { classification: "decode_failure", failure_type: "ResultEncodeFailure", retryable: false },
    ],
  ])("tells of %s without its content", async (_, activity, level, message, fields) => {
    const logger = recordingLogger();
    await runActivity(activity, ["secret"], { logger, interceptors: interceptWith(loggingInterceptor()) });
    const task = { task_id: "task-lamp-7", attempt: 2, activity_type: "lamps.dim" };
    expect(logger.lines).toEqual([
      { level: "debug", message: "Activity started.", fields: expect.objectContaining(task) },
      {
        level,
        message,
        fields: {
          ...task,
          workflow_id: "evening-routine",
          run_id: "run-evening-1",
          duration_ms: expect.any(Number),
          ...fields,
        },
      },
    ]);
    expect(JSON.stringify(logger.lines)).not.toContain("secret");
  });

  it("tells of a deadline when it passes, though the handler is not done", async () => {
    const clock = new FakeClock();
    const logger = recordingLogger();
    const result = runActivity(() => new Promise(() => {}), [], {
      clock,
      logger,
      interceptors: interceptWith(loggingInterceptor()),
    });
    await clock.advance(3_600_000);
    await result;
    expect(logger.lines.at(-1)).toMatchObject({ level: "warn", fields: { classification: "deadline_exceeded" } });
  });

  it("runs the activity though the logger throws", async () => {
    const broken = () => {
      throw new Error("disk full");
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    expect(await runActivity(() => 1, [], { logger, interceptors: interceptWith(loggingInterceptor()) })).toMatchObject(
      {
        outcome: { status: "succeeded" },
      },
    );
  });
});
