import { describe, expect, it } from "vitest";
import { settle } from "../../../test/support/fake-clock.js";
import { withAngryGetters } from "../../../test/support/hostile.js";
import { NO_TRACES, startRun } from "../../../test/support/started-run.js";

type Then = (onValue: (value: unknown) => void, onError: (error: unknown) => void) => void;

/** What some libraries return in place of a promise. */
class Thenable {
  readonly call: Then;

  constructor(call: Then) {
    this.call = call;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
  then(onValue: (value: unknown) => void, onError: (error: unknown) => void): void {
    this.call(onValue, onError);
  }
}

function thenable(call: Then): Thenable {
  return new Thenable(call);
}

describe("thenables", () => {
  it.each([
    ["resolves", thenable((onValue) => onValue(7)), { kind: "returned", value: 7 }],
    ["resolves later", thenable((onValue) => setImmediate(onValue, 7)), { kind: "returned", value: 7 }],
    ["rejects", thenable((_, onError) => onError("no")), { kind: "threw", error: "no" }],
    ["resolves to a promise", thenable((onValue) => onValue(Promise.resolve(7))), { kind: "returned", value: 7 }],
    [
      "resolves to a promise that rejects",
      thenable((onValue) => onValue(Promise.reject(new Error("deep")))),
      { kind: "threw", error: new Error("deep") },
    ],
    [
      "resolves to a thenable",
      thenable((onValue) => onValue(thenable((inner) => inner(7)))),
      { kind: "returned", value: 7 },
    ],
    [
      "throws",
      thenable(() => {
        throw new Error("then failed");
      }),
      { kind: "threw", error: new Error("then failed") },
    ],
    [
      "throws after it has resolved",
      thenable((onValue) => {
        onValue(7);
        throw new Error("ignored");
      }),
      { kind: "returned", value: 7 },
    ],
    [
      "settles twice",
      thenable((onValue, onError) => {
        onValue(7);
        onValue(8);
        onError("no");
      }),
      { kind: "returned", value: 7 },
    ],
  ])("are awaited as promises are: one that %s", async (_, returned, expected) => {
    const { outcome, onLate, traces } = startRun(() => returned);
    await expect(outcome).resolves.toEqual(expected);
    await settle();
    expect(traces()).toEqual(NO_TRACES);
    expect(onLate).not.toHaveBeenCalled();
  });

  it("end the run with what their getter throws", async () => {
    const { outcome, traces } = startRun(() => withAngryGetters({}, "then"));
    await expect(outcome).resolves.toEqual({ kind: "threw", error: new Error("a trap that throws") });
    expect(traces()).toEqual(NO_TRACES);
  });

  it("are held to the deadline", async () => {
    const { clock, outcome, onLate, traces } = startRun(() =>
      thenable((onValue) => void clock.schedule(5000, () => onValue(7))),
    );
    await clock.advance(1000);
    await expect(outcome).resolves.toMatchObject({ kind: "aborted" });
    expect(onLate).not.toHaveBeenCalled();
    await clock.advance(4000);
    expect(onLate).toHaveBeenCalledTimes(1);
    expect(traces()).toEqual(NO_TRACES);
  });
});
