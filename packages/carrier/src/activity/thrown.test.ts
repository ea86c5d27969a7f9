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
    ["null", null, `A value of type object ${WITHOUT_MESSAGE}`, null],
    ["a number", 42, `42 ${WITHOUT_MESSAGE}`, null],
    ["not a number", Number.NaN, `NaN ${WITHOUT_MESSAGE}`, null],
    ["a big integer", 42n, `A value of type bigint ${WITHOUT_MESSAGE}`, null],
    ["a boolean", false, `A value of type boolean ${WITHOUT_MESSAGE}`, null],
    ["a symbol", Symbol("secret"), `A value of type symbol ${WITHOUT_MESSAGE}`, null],
    ["a function", () => {}, `A value of type function ${WITHOUT_MESSAGE}`, null],
    ["an object", {}, `A value of type object ${WITHOUT_MESSAGE}`, null],
    ["a list", ["a"], `A value of type object ${WITHOUT_MESSAGE}`, null],
    [
      "a message that is no text",
      { message: { text: "x" }, name: 7 },
      `A value of type object ${WITHOUT_MESSAGE}`,
      null,
    ],
    ["a message that is a list", { message: ["x"] }, `A value of type object ${WITHOUT_MESSAGE}`, null],
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
    expect(type).toMatch(/^N{255,16384}\.\.\. \(cut\)$/);
    expect(stack).toBe(`${"s".repeat(65_536)}... (cut)`);
  });

  it.each([
    ["a lone half", "a\ud83db", "a\ufffdb"],
    ["the other half", "\ude00", "\ufffd"],
    ["a pair in the wrong order", "\ude00\ud83d", "\ufffd\ufffd"],
    ["a pair", "\ud83d\ude00", "😀"],
    ["a pair that is cut in two", `${"m".repeat(16_383)}😀`, `${"m".repeat(16_383)}\ufffd... (cut)`],
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
