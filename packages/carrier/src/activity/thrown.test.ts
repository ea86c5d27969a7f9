import { describe, expect, it } from "vitest";
import { angryProxy, revokedProxy, withAngryGetters } from "../../test/support/hostile.js";
import { ActivityCancelled, ActivityFailure, NonRetryableError } from "./errors.js";
import { readThrown } from "./thrown.js";

class OutOfStock extends Error {
  override name = "OutOfStock";
}

function frozenError(): Error {
  return Object.freeze(new RangeError("frozen stiff"));
}

const WITHOUT_MESSAGE = "was thrown without a message.";
const NOTHING_SAID = `A value of type object ${WITHOUT_MESSAGE}`;
const NO_STOCK = `OutOfStock ${WITHOUT_MESSAGE}`;
const PROPERTIES = ["stack", "message", "name", "cause"];

describe("message and type", () => {
  it.each([
    ["an error", new Error("no stock"), "no stock", "Error"],
    ["an error of a class with a name", new OutOfStock("no lamps"), "no lamps", "OutOfStock"],
    ["a built-in error", new TypeError("bad input"), "bad input", "TypeError"],
    ["a frozen error", frozenError(), "frozen stiff", "RangeError"],
    ["a DOMException", new DOMException("gone", "AbortError"), "gone", "AbortError"],
    ["an aggregate", new AggregateError([new Error("inner")], "several"), "several", "AggregateError"],
    ["an error in name only", { name: "Custom", message: "from afar" }, "from afar", "Custom"],
    ["an object with a message", { message: "from afar" }, "from afar", null],
    ["a frozen object", Object.freeze({ message: "cold" }), "cold", null],
    ["an object without prototype", Object.assign(Object.create(null), { message: "bare" }), "bare", null],
    ["text", "just text", "just text", null],
    ["text of several lines", "a\nb", "a\nb", null],

    // never empty
    ["an error without a message", new Error(), `Error ${WITHOUT_MESSAGE}`, "Error"],
    ["an error with a blank message", new OutOfStock(" \n"), `OutOfStock ${WITHOUT_MESSAGE}`, "OutOfStock"],
    ["an error without a name", Object.assign(new Error("m"), { name: "" }), "m", null],
    [
      "an error with neither",
      Object.assign(new Error(), { name: "" }),
      `A value of type object ${WITHOUT_MESSAGE}`,
      null,
    ],
    ["empty text", "", `A value of type string ${WITHOUT_MESSAGE}`, null],
    ["blank text", " \t", `A value of type string ${WITHOUT_MESSAGE}`, null],
    ["undefined", undefined, `A value of type undefined ${WITHOUT_MESSAGE}`, null],
    ["null", null, `A value of type null ${WITHOUT_MESSAGE}`, null],
    ["a number", 42, `42 ${WITHOUT_MESSAGE}`, null],
    ["not a number", Number.NaN, `NaN ${WITHOUT_MESSAGE}`, null],
    ["a big integer", 42n, `42 ${WITHOUT_MESSAGE}`, null],
    ["a boolean", false, `false ${WITHOUT_MESSAGE}`, null],
    ["a symbol", Symbol("secret"), `A value of type symbol ${WITHOUT_MESSAGE}`, null],
    ["a function", () => {}, `A value of type function ${WITHOUT_MESSAGE}`, null],
    ["an object", {}, `A value of type object ${WITHOUT_MESSAGE}`, null],
    ["a list", ["a"], `A value of type object with 0: "a" ${WITHOUT_MESSAGE}`, null],
    ["invisible text", "\u200b\ufeff", `A value of type string ${WITHOUT_MESSAGE}`, null],
    ["U+0000", new Error("\0"), "\ufffd", "Error"],
    ["a name with U+0000", Object.assign(new Error("m"), { name: "N\0" }), "m", "N\ufffd"],
    [
      "what an object holds",
      { code: 7, reason: "full", ok: false, deep: { secret: "s" }, list: [1], none: null },
      `A value of type object with code: 7, reason: "full", ok: false, deep: an object, list: a list, none: null ${WITHOUT_MESSAGE}`,
      null,
    ],
    [
      "an object that holds much",
      Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`k${index}`, "v".repeat(1000)])),
      `A value of type object with ${Array.from({ length: 10 }, (_, index) => `k${index}: "${"v".repeat(200)}... (cut)"`).join(", ")} ${WITHOUT_MESSAGE}`,
      null,
    ],
    [
      "a message that is no text",
      { message: { text: "x" }, name: 7 },
      `A value of type object with message: an object, name: 7 ${WITHOUT_MESSAGE}`,
      null,
    ],
    [
      "a message that is a list",
      { message: ["x"] },
      `A value of type object with message: a list ${WITHOUT_MESSAGE}`,
      null,
    ],
  ])("of %s", (_, error, message, type) => {
    expect(readThrown(error, true)).toMatchObject({ message, type, retryable: true, cancelled: false });
    expect(readThrown(error, true).details).toBeUndefined();
  });

  it.each([
    ["a proxy that throws", angryProxy, NOTHING_SAID, null],
    ["a revoked proxy", revokedProxy, NOTHING_SAID, null],
    ["an error whose message throws", () => withAngryGetters(new OutOfStock("m"), "message"), NO_STOCK, "OutOfStock"],
    ["an error whose name throws", () => withAngryGetters(new Error("m"), "name"), "m", null],
    ["an error of which all throws", () => withAngryGetters(new Error("m"), ...PROPERTIES), NOTHING_SAID, null],
  ])("of %s", (_, make, message, type) => {
    expect(readThrown(make(), true)).toMatchObject({ message, type, retryable: true, cancelled: false });
  });

  it("are cut when they are huge", () => {
    const { message, type, stack } = readThrown(
      Object.assign(new Error("m".repeat(10_000_000)), { name: "N".repeat(10_000_000), stack: "s".repeat(10_000_000) }),
      true,
    );
    expect(message).toBe(`${"m".repeat(16_384)}... (cut)`);
    expect(type).toBe("N".repeat(255));
    expect(stack).toBe(`${"s".repeat(43_680)}... (cut)`);
  });

  it.each([
    ["a lone half", "a\ud83db", "a\ufffdb"],
    ["the other half", "\ude00", "\ufffd"],
    ["a pair in the wrong order", "\ude00\ud83d", "\ufffd\ufffd"],
    ["a pair", "\ud83d\ude00", "😀"],
    ["a pair that is cut in two", `${"m".repeat(16_383)}😀`, `${"m".repeat(16_383)}... (cut)`],
  ])("are well-formed: %s", (_, text, expected) => {
    const error = Object.assign(new Error(text), { name: text, stack: text });
    expect(readThrown(error, true).message).toBe(expected);
    expect(readThrown(error, true).type).toMatch(/^[^\ud800-\udfff]+$/u);
    expect(readThrown(error, true).stack).not.toMatch(/\p{Surrogate}/u);
    expect(readThrown(text, false).message).toBe(expected);
  });
});

describe("stack", () => {
  it("is the error's own, and left out when not wanted", () => {
    const error = new Error("no stock");
    expect(readThrown(error, true).stack).toBe(error.stack);
    expect(readThrown(error, false).stack).toBeNull();
  });

  it.each([["text"], [undefined], [null], [42], [{}], [{ stack: 7 }], [{ stack: "" }]])(
    "is null where there is none: %j",
    (error) => {
      expect(readThrown(error, true).stack).toBeNull();
      expect(readThrown(angryProxy(), true).stack).toBeNull();
    },
  );

  it("goes on with the causes", () => {
    const root = new TypeError("root");
    const middle = new Error("middle", { cause: root });
    const top = new OutOfStock("top", { cause: middle });
    expect(readThrown(top, true).stack).toBe(`${top.stack}\nCaused by: ${middle.stack}\nCaused by: ${root.stack}`);
  });

  it.each([
    ["text", () => "disk full", "disk full"],
    ["an object with a message", () => ({ message: "disk full" }), "disk full"],
    ["a number", () => 28, `28 ${WITHOUT_MESSAGE}`],
    ["a proxy that throws", angryProxy, NOTHING_SAID],
    ["an error without a stack", () => Object.assign(new Error("m"), { stack: undefined }), "m"],
    ["an error whose stack throws", () => withAngryGetters(new Error("m"), "stack"), "m"],
  ])("says what there is to say of a cause that is %s", (_, make, said) => {
    const error = new Error("top", { cause: make() });
    expect(readThrown(error, true).stack).toBe(`${error.stack}\nCaused by: ${said}`);
  });

  it("goes on with the errors of an aggregate, and their causes", async () => {
    const root = new Error("root");
    const first = new Error("first", { cause: root });
    const error: unknown = await Promise.any([Promise.reject(first), Promise.reject(new TypeError("second"))]).catch(
      (thrown: unknown) => thrown,
    );
    const { message, stack } = readThrown(error, true);
    expect(message).toBe("All promises were rejected");
    expect(stack?.match(/^Caused by: .*$/gm)).toEqual([
      "Caused by: Error: first",
      "Caused by: Error: root",
      "Caused by: TypeError: second",
    ]);
    const failed = new TypeError("fetch failed", { cause: new AggregateError([new Error("v4"), "v6"], "") });
    expect(readThrown(failed, true).stack).toMatch(
      /Caused by: AggregateError[^]*Caused by: Error: v4[^]*Caused by: v6$/,
    );
  });

  it("does not take a validator's issues for errors", () => {
    const error = Object.assign(new Error("m"), { errors: [{ message: "issue" }] });
    expect(readThrown(error, true).stack).toBe(error.stack);
  });

  it("left out, has the causes told as messages", () => {
    const root = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const aggregate = new AggregateError([root, "gone"], "");
    expect(readThrown(new TypeError("fetch failed", { cause: aggregate }), false)).toMatchObject({
      message:
        "fetch failed\nCaused by: AggregateError was thrown without a message." +
        "\nCaused by: Error: connect ECONNREFUSED\nCaused by: gone",
      stack: null,
    });
    const circle: Error = new Error("round");
    circle.cause = circle;
    expect(readThrown(circle, false).message.split("Caused by: ")).toHaveLength(9);
    expect(readThrown(angryProxy(), false).message).toBe(NOTHING_SAID);
  });

  it("stays within the bytes that engines take", () => {
    const error = Object.assign(new Error("m"), { stack: "\u20ac".repeat(100_000) });
    const bytes = new TextEncoder().encode(readThrown(error, true).stack!).length;
    expect(bytes).toBeLessThanOrEqual(131_072);
    expect(bytes).toBeGreaterThan(131_000);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
  ])("ends with a cause that is %s", (_, cause) => {
    const error = new Error("top", { cause });
    expect(readThrown(error, true).stack).toBe(error.stack);
  });

  it("ends after eight causes, so that a circle has an end", () => {
    const error: Error = new Error("round");
    error.cause = error;
    expect(readThrown(error, true).stack?.split("Caused by: ")).toHaveLength(9);
  });

  it("ends with a cause that cannot be read", () => {
    const error = withAngryGetters(new Error("top"), "cause");
    expect(readThrown(error, true).stack).toBe(error.stack);
  });
});

describe("this library's errors", () => {
  class CardDeclined extends NonRetryableError {
    override name = "CardDeclined";
  }
  class Stopped extends ActivityCancelled {
    override name = "Stopped";
  }

  it.each([
    ["a failure", new ActivityFailure("m"), { type: "ActivityFailure", retryable: true }],
    ["one with a type", new ActivityFailure("m", { type: "GatewayDown" }), { type: "GatewayDown", retryable: true }],
    [
      "one not to be retried",
      new ActivityFailure("m", { retryable: false }),
      { type: "ActivityFailure", retryable: false },
    ],
    ["one with a blank type", new ActivityFailure("m", { type: " " }), { type: "ActivityFailure", retryable: true }],
    ["one with details", new ActivityFailure("m", { details: { a: 1 } }), { details: { a: 1 } }],
    ["one with null as details", new ActivityFailure("m", { details: null }), { details: null }],
    ["a non-retryable error", new NonRetryableError("m"), { type: "NonRetryableError", retryable: false }],
    [
      "one with type and details",
      new NonRetryableError("m", { type: "T", details: [1] }),
      { type: "T", retryable: false, details: [1] },
    ],
    ["a class of one's own", new CardDeclined("m"), { type: "CardDeclined", retryable: false }],
    ["a cancellation", new ActivityCancelled("m"), { type: "ActivityCancelled", retryable: false, cancelled: true }],
    ["a cancellation of one's own", new Stopped("m"), { type: "Stopped", retryable: false, cancelled: true }],
  ])("say it themselves: %s", (_, error, expected) => {
    expect(readThrown(error, true)).toMatchObject({ message: "m", cancelled: false, ...expected });
  });

  it("have a message of their own for a cancellation without one", () => {
    expect(readThrown(new ActivityCancelled(), true).message).toBe("The activity was cancelled.");
  });

  it.each([["type"], ["retryable"], ["details"], ["name"], ["message"], ["stack"], ["cause"]])(
    "do not fail where reading %s throws",
    (property) => {
      const error = withAngryGetters(new NonRetryableError("m", { type: "T", details: 1 }), property);
      expect(readThrown(error, true).message).not.toBe("");
    },
  );

  it("pass their cause on", () => {
    const cause = new Error("root");
    for (const error of [
      new ActivityFailure("m", { cause }),
      new NonRetryableError("m", { cause }),
      new ActivityCancelled("m", { cause }),
    ]) {
      expect(error.cause).toBe(cause);
      expect(readThrown(error, true).stack).toBe(`${error.stack}\nCaused by: ${cause.stack}`);
    }
    expect("cause" in new ActivityFailure("m")).toBe(false);
  });
});
