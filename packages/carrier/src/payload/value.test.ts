import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { isPayloadError, PayloadError } from "./errors.js";
import { AvroDouble, avroDouble, isAvroDouble } from "./value.js";

describe("avroDouble", () => {
  it("holds a number, and is one in JSON", () => {
    const seven = avroDouble(7);
    expect(seven).toBeInstanceOf(AvroDouble);
    expect(seven.value).toBe(7);
    expect(JSON.stringify({ seven })).toBe('{"seven":7}');
  });

  it.each([["7"], [7n], [null], [undefined], [{}]])("takes no %s", (value) => {
    expect(() => avroDouble(value as number)).toThrow(TypeError);
  });

  it("takes what encode will refuse", () => {
    expect(avroDouble(Number.NaN).value).toBe(Number.NaN);
  });
});

describe("the library's own objects", () => {
  it("are known", () => {
    expect(isAvroDouble(avroDouble(1))).toBe(true);
    expect(isPayloadError(new PayloadError("integer_overflow", "too much"))).toBe(true);
  });

  it("are known to another copy of the library", async () => {
    vi.resetModules();
    const otherValue = await import("./value.js");
    const otherErrors = await import("./errors.js");
    const otherCodec = await import("./codec.js");
    expect(otherValue.AvroDouble).not.toBe(AvroDouble);
    expect(otherValue.isAvroDouble(avroDouble(1))).toBe(true);
    expect(otherErrors.isPayloadError(new PayloadError("integer_overflow", "too much"))).toBe(true);
    expect(otherCodec.encodeAvroValue(avroDouble(7))).toBe("wwHioz3/VYAiNwYAAAAAAAAcQA==");
  });

  it.each([null, undefined, 7, "AvroDouble", {}, [], { value: 7 }, new Error("x"), () => 1, runInNewContext("({})")])(
    "are not %j",
    (value) => {
      expect(isAvroDouble(value)).toBe(false);
      expect(isPayloadError(value)).toBe(false);
    },
  );

  it("are not taken for each other", () => {
    expect(isPayloadError(avroDouble(1))).toBe(false);
    expect(isAvroDouble(new PayloadError("integer_overflow", "too much"))).toBe(false);
  });
});

describe("PayloadError", () => {
  it("starts its message with its code, and keeps its cause", () => {
    const cause = new Error("below");
    const error = new PayloadError("invalid_map_key", "a key is a number", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe("invalid_map_key: a key is a number");
    expect(error.code).toBe("invalid_map_key");
    expect(error.name).toBe("PayloadError");
    expect(error.cause).toBe(cause);
    expect(String(error)).toBe("PayloadError: invalid_map_key: a key is a number");
  });
});
