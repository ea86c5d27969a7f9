import { afterEach, describe, expect, it, vi } from "vitest";
import { PLATFORMS } from "../../test/support/avro-wire.js";
import { bytesToText } from "./bytes.js";
import { createAvroCodec } from "./codec.js";
import { largeAsciiToText } from "./platform/buffer.js";
import { bytesToBase64 } from "./platform/portable.js";

const TEXTS = [
  "",
  "a",
  "é",
  "語",
  "🔑",
  "\ufeffmarked",
  "\ufffd",
  "\0",
  "a".repeat(100),
  `${"a".repeat(63)}é${"b".repeat(64)}`,
];

describe.each(PLATFORMS)("UTF-8, with %s", (_, platform) => {
  it.each(TEXTS)("%j, at any place", (text) => {
    const expected = Buffer.from(text);
    for (let position = 0; position < 9; position++) {
      const bytes = platform.allocate(400).fill(0xff);
      expect(platform.writeUtf8(bytes, text, position)).toBe(expected.length);
      expect(Buffer.compare(bytes.subarray(position, position + expected.length), expected)).toBe(0);
      expect(platform.readUtf8(bytes, position, position + expected.length)).toBe(text);
      expect(platform.readUtf8(bytes, position, position + expected.length + 1)).toBeUndefined();
    }
  });

  it("has U+FFFD for half of a surrogate pair", () => {
    const bytes = platform.allocate(16);
    expect(platform.writeUtf8(bytes, "a\ud800b", 0)).toBe(5);
    expect(platform.readUtf8(bytes, 0, 5)).toBe("a\ufffdb");
  });
});

describe("bytes of any origin", () => {
  it.each(TEXTS)("as text: %j", (text) => {
    const bytes = Buffer.from(text);
    expect(bytesToText(bytes)).toBe(text);
    expect(bytesToText(new Uint8Array(bytes))).toBe(text);
    expect(bytesToText(Buffer.concat([Buffer.from("front"), bytes]).subarray(5))).toBe(text);
  });

  it.each([[[0xff]], [[0xc3]], [[97, 0xed, 0xa0, 0x80]], [[0xef, 0xbf, 0xbd, 0x80]]])("as no text: %j", (list) => {
    expect(() => bytesToText(Buffer.from(list))).toThrow(TypeError);
    expect(() => bytesToText(new Uint8Array(list))).toThrow(TypeError);
  });

  it("as base64", () => {
    for (const length of [0, 1, 2, 3, 4, 8191, 8192, 8193, 20_000]) {
      const bytes = new Uint8Array(length).map((_, index) => index * 7);
      expect(bytesToBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(bytesToBase64(Buffer.concat([Buffer.from("front"), bytes]).subarray(5))).toBe(bytesToBase64(bytes));
    }
  });
});

describe("where Node's Buffer is missing", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it.each([
    ["no Buffer", undefined],
    ["another Buffer", { from: () => undefined }],
    ["a Buffer without the quick methods", { allocUnsafeSlow: (size: number) => new Uint8Array(size) }],
  ])("the language does: %s", async (_, buffer) => {
    vi.resetModules();
    vi.stubGlobal("Buffer", buffer);
    const { bufferBytes: none, platformBytes } = await import("./platform/buffer.js");
    vi.unstubAllGlobals();
    expect(none).toBeUndefined();
    const codec = createAvroCodec(platformBytes);
    const value = { a: ["é".repeat(50), 7] };
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });
});

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("large text", () => {
  it.each([
    ["ASCII", "QUJD".repeat(400_000)],
    ["other text", `${"QUJD".repeat(400_000)}é`],
    ["little", "QQ=="],
    ["nothing", ""],
  ])("is read: %s", (_, text) => {
    expect(largeAsciiToText(bytesOf(text)) === text).toBe(true);
    // In the middle of other memory, aligned and not.
    for (const offset of [1, 4]) {
      const memory = new Uint8Array(bytesOf(text).length + offset + 3).fill(0xff);
      memory.set(bytesOf(text), offset);
      const part = memory.subarray(offset, offset + bytesOf(text).length);
      expect(largeAsciiToText(part) === text).toBe(true);
    }
  });

  it("is refused when it is none", () => {
    expect(() => largeAsciiToText(Uint8Array.of(65, 0xff))).toThrow(TypeError);
  });
});
