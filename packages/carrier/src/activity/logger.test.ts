import { describe, expect, it } from "vitest";
import { activityTaskEnvelope, workflowTaskEnvelope } from "../../test/support/envelopes.js";
import { forbidUnhandledRejections } from "../../test/support/unhandled-rejections.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { defineActivity } from "./definition/define-activity.js";
import { interceptWith } from "./definition/interceptor.js";
import { InvocableActivityHandler } from "./handler.js";
import { mapErrors } from "./map-error.js";

forbidUnhandledRejections();

const broken = (): never => {
  throw new Error("disk full");
};
const brokenLogger = { debug: broken, info: broken, warn: broken, error: broken };

/** Everything that makes a carrier log: a refused task, a huge result, an error that cannot be mapped, a handler's own lines. */
const CASES = {
  "a task that is refused": activityTaskEnvelope({ task: { handler: "other" } }),
  "a workflow task": workflowTaskEnvelope(),
  "a huge result": activityTaskEnvelope({ task: { handler: "huge" } }),
  "an error that cannot be mapped": activityTaskEnvelope({ task: { handler: "fail" } }),
  "a handler that logs": activityTaskEnvelope({ task: { handler: "log" } }),
};

const handlers = {
  huge: () => "x".repeat(2_000_000),
  fail: () => Promise.reject(new Error("no")),
  log: defineActivity({ run: ({ logger }) => logger.info({}, "mine") }),
};

describe.each(Object.entries(CASES))("%s", (_, envelope) => {
  const answer = async (logger: typeof brokenLogger) => {
    const handler = new InvocableActivityHandler(handlers, {
      logger,
      interceptors: interceptWith(mapErrors(broken)),
      stackTraces: false,
    });
    const { metadata: _duration, ...result } = await handler.handle(envelope);
    return result;
  };

  it("is answered the same where the logger is asynchronous, and rejects", async () => {
    const rejecting = () => Promise.reject(new Error("disk full"));
    const logger = { debug: rejecting, info: rejecting, warn: rejecting, error: rejecting };
    expect(await answer(logger as unknown as typeof brokenLogger)).toEqual(await answer(brokenLogger));
  });

  it("is logged, and answered the same where the logger throws", async () => {
    const logger = recordingLogger();
    const expected = await answer(logger as unknown as typeof brokenLogger);
    expect(logger.lines).toHaveLength(1);
    expect(await answer(brokenLogger)).toEqual(expected);
  });
});
