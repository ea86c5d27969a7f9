import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "./sha256.js";

function expectedHash(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

describe("sha256Hex", () => {
  it("knows the hash of nothing", () => {
    expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("agrees with node:crypto on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        expect(sha256Hex(text)).toBe(expectedHash(text));
      }),
    );
  });

  it("agrees with node:crypto on every length around the block borders", () => {
    for (let length = 0; length <= 200; length++) {
      const text = "a".repeat(length);
      expect(sha256Hex(text), `${length} bytes`).toBe(expectedHash(text));
    }
  });

  it.each([
    ["a megabyte", "lamp ".repeat(200_000)],
    ["text of several bytes a character", "Straßenlampe 💡 街灯 ".repeat(50)],
    ["a lone surrogate, hashed as U+FFFD", "\ud83d"],
  ])("agrees with node:crypto on %s", (_, text) => {
    expect(sha256Hex(text)).toBe(expectedHash(text));
  });
});
