import { deepStrictEqual } from "node:assert/strict";
import { describe, expect, it, vi } from "vitest";
import { blobOf, refusalOf } from "../../test/support/avro-wire.js";
import { DEFAULT_PAYLOAD_LIMIT_BYTES } from "../protocol/constants.js";
import { encodeAvroValue } from "./codec.js";
import { decodePayload, PAYLOAD_WARNING_BYTES, payloadEnvelope } from "./envelope.js";
import { avroDouble } from "./value.js";

/** Text whose payload has a blob of this length, a multiple of four. */
function textWithBlobOf(length: number): string {
  // Before the text: ten bytes of frame, the branch, and four bytes of its length.
  return "x".repeat((length / 4) * 3 - 15);
}

describe("payloadEnvelope", () => {
  it("tags the blob with its codec", () => {
    expect(payloadEnvelope(["lamp-7", 3])).toEqual({ codec: "avro", blob: "wwHioz3/VYAiNwwECgxsYW1wLTcEBgA=" });
    expect(payloadEnvelope(null)).toEqual({ codec: "avro", blob: encodeAvroValue(null) });
  });

  it("warns from 80 % of the server's default limit on", () => {
    const eighty = DEFAULT_PAYLOAD_LIMIT_BYTES * 0.8;
    const below = Math.floor(eighty / 4) * 4;
    for (const [length, calls] of [
      [below, 0],
      [below + 4, 1],
      [DEFAULT_PAYLOAD_LIMIT_BYTES + 4, 1],
    ] as const) {
      const warn = vi.fn();
      const { blob } = payloadEnvelope(textWithBlobOf(length), { logger: { warn } });
      expect(blob).toHaveLength(length);
      expect(warn).toHaveBeenCalledTimes(calls);
      if (calls === 0) continue;
      const [fields, message] = warn.mock.lastCall ?? [];
      expect(fields).toEqual({ payload_bytes: length, limit_bytes: 2_097_152 });
      expect(message).toContain("near or over");
      expect(message).not.toContain("xxx");
    }
    expect(PAYLOAD_WARNING_BYTES).toBeGreaterThan(below);
    expect(PAYLOAD_WARNING_BYTES).toBeLessThanOrEqual(below + 4);
  });

  it("is silent without a logger", () => {
    expect(() => payloadEnvelope(textWithBlobOf(DEFAULT_PAYLOAD_LIMIT_BYTES))).not.toThrow();
    expect(() => payloadEnvelope(textWithBlobOf(DEFAULT_PAYLOAD_LIMIT_BYTES), {})).not.toThrow();
  });
});

const SECRET = "correct horse battery staple";
const blob = encodeAvroValue({ a: [1, SECRET] });
const bytes = Buffer.from(blob, "base64");

const UNREADABLE: readonly (readonly [name: string, envelope: unknown, code: string])[] = [
  ["null", null, "unsupported_payload_codec"],
  ["nothing", undefined, "unsupported_payload_codec"],
  ["text", blob, "unsupported_payload_codec"],
  ["a list", [], "unsupported_payload_codec"],
  ["no codec", { blob }, "unsupported_payload_codec"],
  ["codec null", { codec: null, blob }, "unsupported_payload_codec"],
  ["codec 1", { codec: 1, blob }, "unsupported_payload_codec"],
  ["codec json", { codec: "json", blob }, "unsupported_payload_codec"],
  ["codec AVRO", { codec: "AVRO", blob }, "unsupported_payload_codec"],
  ["codec constructor", { codec: "constructor", blob }, "unsupported_payload_codec"],
  ["an endless codec", { codec: "z".repeat(9000), blob }, "unsupported_payload_codec"],
  ["no blob", { codec: "avro" }, "invalid_payload_framing"],
  ["blob null", { codec: "avro", blob: null }, "invalid_payload_framing"],
  ["blob of bytes", { codec: "avro", blob: bytes }, "invalid_payload_framing"],
  ["blob an object", { codec: "avro", blob: { length: 4 } }, "invalid_payload_framing"],
  ["data held elsewhere", { codec: "avro", external_storage: { uri: SECRET } }, "invalid_payload_framing"],
  ["an empty blob", { codec: "avro", blob: "" }, "invalid_payload_framing"],
  ["a blob of JSON", { codec: "avro", blob: JSON.stringify([SECRET]) }, "invalid_payload_framing"],
  ["a blob of other text", { codec: "avro", blob: SECRET }, "invalid_payload_framing"],
  ["another frame", { codec: "avro", blob: blobOf(Buffer.from(SECRET)) }, "invalid_payload_framing"],
  ["another schema", { codec: "avro", blob: blobOf([0xc3, 1, 0], bytes.subarray(3)) }, "unsupported_payload_schema"],
  ["a blob cut off", { codec: "avro", blob: blobOf(bytes.subarray(0, -4)) }, "invalid_payload_framing"],
  ["a blob too long", { codec: "avro", blob: blobOf(bytes, Buffer.from(SECRET)) }, "invalid_payload_framing"],
];

describe("decodePayload", () => {
  it("decodes what payloadEnvelope made", () => {
    const value = { a: [1, 2.5, "b"], c: new Uint8Array([1]) };
    deepStrictEqual(decodePayload(payloadEnvelope(value)), value);
    deepStrictEqual(decodePayload(JSON.parse(JSON.stringify(payloadEnvelope(value)))), value);
  });

  it("takes fields that it does not know, and a storage reference beside the blob", () => {
    deepStrictEqual(decodePayload({ codec: "avro", blob, external_storage: null, x: 1 }), { a: [1, SECRET] });
  });

  it("keeps the kinds of numbers on request", () => {
    const envelope = payloadEnvelope([7, avroDouble(7)]);
    deepStrictEqual(decodePayload(envelope), [7, 7]);
    deepStrictEqual(decodePayload(envelope, { lossless: true }), [7n, avroDouble(7)]);
  });

  it.each(UNREADABLE)("refuses %s", (_, envelope, code) => {
    const refusal = refusalOf(() => decodePayload(envelope));
    expect(refusal.code).toBe(code);
    expect(refusal.message.startsWith(`${code}: `)).toBe(true);
    expect(refusal.message).not.toMatch(/correct|horse|battery|staple/);
    expect(refusal.message.length).toBeLessThan(300);
  });

  it("names the codec that it cannot read", () => {
    expect(refusalOf(() => decodePayload({ codec: "json", blob })).message).toContain('"json"');
    expect(refusalOf(() => decodePayload({ blob })).message).toContain("got nothing");
  });

  it("says where JSON belongs", () => {
    const envelope = { codec: "avro", blob: JSON.stringify([SECRET]) };
    expect(refusalOf(() => decodePayload(envelope)).message).toContain("JSON is the document transport");
  });
});

describe("what does not encode", () => {
  it.each([
    ["text", `${SECRET}\ud800`],
    ["a long text", `${SECRET.repeat(9)}\ud800`],
    ["an error", new Error(SECRET)],
    ["a URL", new URL(`https://example.test/${SECRET}`)],
    ["a Map", new Map([[SECRET, SECRET]])],
    ["a function", () => SECRET],
    ["a symbol", Symbol(SECRET)],
    ["a bigint", 2n ** 200n],
  ])("is not in the message: %s", (_, value) => {
    const { message } = refusalOf(() => payloadEnvelope({ "key 1": [SECRET, value] }));
    expect(message).toMatch(/key 1.+1/);
    expect(message).not.toMatch(/correct|horse|battery|staple|160693/);
  });
});
