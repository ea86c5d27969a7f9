import { describe, expect, it } from "vitest";
import { isPlainText } from "./plain-text.js";

describe("plain text", () => {
  it("has nothing that a JSON document would have to escape, wherever it is", () => {
    const wide = new TextEncoder().encode("QUJD".repeat(300));
    for (let offset = 0; offset < 4; offset++) {
      const bytes = wide.subarray(3 + offset, 3 + offset + 1001);
      expect(isPlainText(bytes)).toBe(true);
      for (let code = 0; code < 256; code++) {
        for (const at of [0, 1, 2, 3, 4, 7, 15, 16, 500, 990, 998, 999, 1000]) {
          const before = bytes[at] ?? 0;
          bytes[at] = code;
          const isEscaped = JSON.stringify(String.fromCharCode(code)).length !== 3 || code > 0x7f;
          expect(isPlainText(bytes), `${code} at ${at} of ${offset}`).toBe(!isEscaped);
          bytes[at] = before;
        }
      }
    }
    expect(isPlainText(new Uint8Array(0))).toBe(true);
  });

  it("is found out however few bytes there are", () => {
    for (let length = 1; length < 24; length++) {
      for (let at = 0; at < length; at++) {
        const bytes = new Uint8Array(length).fill(0x41);
        expect(isPlainText(bytes)).toBe(true);
        bytes[at] = 0x1f;
        expect(isPlainText(bytes)).toBe(false);
      }
    }
  });
});
