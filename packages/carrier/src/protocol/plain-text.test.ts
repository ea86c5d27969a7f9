import { describe, expect, it } from "vitest";
import { isPlainText, printAround } from "./plain-text.js";

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

describe("a document around a large text", () => {
  const blob = "QUJD".repeat(10_000);
  const printed = (document: object, text: string): string | undefined => {
    const bytes = printAround(document, text);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };

  it("is what JSON makes of it", () => {
    const document = {
      before: '\u00e9"',
      a: { codec: "avro", blob },
      list: [1, null, { blob: "QUJD" }],
      after: "\ud83d\ude00",
    };
    expect(printed(document, blob)).toBe(JSON.stringify(document));
    const dated = { at: new Date(0), blob, left: undefined };
    expect(printed(dated, blob)).toBe(JSON.stringify(dated));
  });

  it("is left to JSON where the text is not there once, or is written in another way", () => {
    expect(printed({ a: blob, b: blob }, blob)).toBeUndefined();
    expect(printed({ a: "~the blob of a payload~", blob }, blob)).toBeUndefined();
    expect(printed({ [blob]: 1 }, blob)).toBeUndefined();
    for (const end of ['"', "\\", "\n", "\0", "\u001f", "\u00e9", "\u0141", "\u0441", "\ud800", "\ud83d\ude00"]) {
      expect(printed({ blob: blob + end }, blob + end), JSON.stringify(end)).toBeUndefined();
    }
  });
});
