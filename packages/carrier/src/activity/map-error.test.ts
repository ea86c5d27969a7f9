import { describe, expect, it, vi } from "vitest";
import { detailsOf, runActivity } from "../../test/support/run-activity.js";
import { forbidUnhandledRejections } from "../../test/support/unhandled-rejections.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { defineActivity } from "./definition/define-activity.js";
import { interceptWith } from "./definition/interceptor.js";
import { ActivityCancelled, ActivityFailure, NonRetryableError } from "./errors.js";
import { type MapError, mapErrors } from "./map-error.js";

class CardError extends Error {
  override readonly name = "CardError";
  readonly card: string;

  constructor(card: string) {
    super(`${card} was declined`);
    this.card = card;
  }
}

const fail = (error: unknown) => () => {
  throw error;
};

forbidUnhandledRejections();

describe("mapErrors", () => {
  it("says what is reported in an error's place", async () => {
    const mapError = vi.fn<MapError>((error) =>
      error instanceof CardError
        ? new NonRetryableError(error.message, { type: "CardDeclined", details: { card: error.card } })
        : undefined,
    );
    const result = await runActivity(fail(new CardError("card-7")), [], {
      interceptors: interceptWith(mapErrors(mapError)),
    });
    expect(result).toMatchObject({
      outcome: { retryable: false },
      failure: { classification: "application_error", type: "CardDeclined", message: "card-7 was declined" },
    });
    expect(detailsOf(result)).toEqual({ card: "card-7" });
    expect(mapError).toHaveBeenCalledExactlyOnceWith(
      expect.any(CardError),
      expect.objectContaining({ activityType: "lamps.dim" }),
    );
  });

  it("leaves what it says nothing about as it is", async () => {
    const result = await runActivity(fail(new RangeError("no")), [], {
      interceptors: interceptWith(mapErrors(() => undefined)),
    });
    expect(result).toMatchObject({ outcome: { retryable: true }, failure: { type: "RangeError", message: "no" } });
  });

  it("shows where the error came from, once", async () => {
    const error = new CardError("card-7");
    const stackOf = async (mapped: ActivityFailure) => {
      const result = await runActivity(fail(error), [], { interceptors: interceptWith(mapErrors(() => mapped)) });
      return "failure" in result ? (result.failure.stack_trace ?? "") : "";
    };
    for (const mapped of [new ActivityFailure("mapped"), new ActivityFailure("mapped", { cause: error })]) {
      expect((await stackOf(mapped)).match(/Caused by: CardError/g)).toHaveLength(1);
    }
  });

  it.each([
    ["rejections", () => Promise.reject(new Error("no"))],
    ["failures that were thrown on purpose", fail(new ActivityFailure("no", { type: "GatewayDown" }))],
    ["what is no error", fail("no")],
    ["what a definition throws", defineActivity({ run: fail(new Error("no")) })],
  ])("is asked for %s too", async (_, activity) => {
    const mapError: MapError = () => new ActivityFailure("mapped", { type: "Mapped" });
    expect(await runActivity(activity, [], { interceptors: interceptWith(mapErrors(mapError)) })).toMatchObject({
      failure: { type: "Mapped" },
    });
  });

  it("is asked for what interceptors throw", async () => {
    const mapError: MapError = () => new ActivityFailure("mapped", { type: "Mapped" });
    const result = await runActivity(() => 1, [], {
      interceptors: interceptWith(mapErrors(mapError), () => fail(new Error("no"))),
    });
    expect(result).toMatchObject({ failure: { type: "Mapped" } });
  });

  it.each([
    ["a cancellation", fail(new ActivityCancelled("stop")), "ActivityCancelled"],
    ["a value that does not encode", () => Number.NaN, "ResultEncodeFailure"],
  ])("is not asked for %s", async (_, activity, type) => {
    const mapError = vi.fn<MapError>();
    expect(await runActivity(activity, [], { interceptors: interceptWith(mapErrors(mapError)) })).toMatchObject({
      failure: { type },
    });
    expect(mapError).not.toHaveBeenCalled();
  });

  it.each([
    ["throws", fail(new Error("a bug")), /the function threw/],
    ["returns an error that says less", () => new Error("mapped"), /returned no ActivityFailure/],
    ["returns a promise", async () => new ActivityFailure("mapped"), /returned no ActivityFailure/],
    ["returns a promise that rejects", () => Promise.reject(new Error("a bug")), /returned no ActivityFailure/],
  ])("that %s changes nothing but the log", async (_, mapError, message) => {
    const logger = recordingLogger();
    const result = await runActivity(fail(new RangeError("no")), [], {
      interceptors: interceptWith(mapErrors(mapError as unknown as MapError)),
      logger,
    });
    expect(result).toMatchObject({ failure: { type: "RangeError", message: "no" } });
    expect(logger.lines).toEqual([
      expect.objectContaining({ level: "error", message: expect.stringMatching(message) }),
    ]);
  });

  it("must be a function", () => {
    expect(() => mapErrors({} as never)).toThrow("mapErrors needs a function");
  });
});
