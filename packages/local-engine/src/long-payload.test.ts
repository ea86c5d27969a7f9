import fc from "fast-check";
import { expect, it } from "vitest";
import { fingerprintOf, toldFingerprint } from "./fingerprint.js";
import { jsonAround, LongPayload } from "./long-payload.js";
import { sha256 } from "./sha256.js";

it("the text of a payload is the base64 of its bytes, made at once, written, or within JSON", () => {
  fc.assert(
    fc.property(fc.nat({ max: 60_000 }), fc.uint8Array({ maxLength: 5 }), (zeros, end) => {
      const bytes = Buffer.concat([Buffer.alloc(zeros, 0xfe), end]);
      const payload = new LongPayload(bytes);
      const text = bytes.toString("base64");
      expect(payload.length).toBe(text.length);
      expect(payload.text() === text).toBe(true);
      const target = Buffer.alloc(text.length + 1, "-");
      payload.writeText(target);
      expect(target.toString() === `${text}-`).toBe(true);
      const document = { a: [1], blob: payload, z: "\u00e9" };
      const whole = JSON.stringify({ ...document, blob: text });
      expect(JSON.stringify(document) === whole).toBe(true);
      expect(jsonAround(document, payload)?.join(text) === whole).toBe(true);
    }),
    { numRuns: 40 },
  );
});

it("what a document has twice, or not at all, is not left out of it", () => {
  const payload = new LongPayload(Buffer.from("abc"));
  expect(jsonAround({ one: payload, two: payload }, payload)).toBeUndefined();
  expect(jsonAround({ one: new LongPayload(Buffer.from("abc")) }, payload)).toBeUndefined();
});

it("memory is given back once, and is not read any more", () => {
  let times = 0;
  const payload = new LongPayload(Buffer.from("abc"), () => times++);
  payload.release();
  payload.release();
  expect(times).toBe(1);
  expect(() => payload.text()).toThrow("was given back");
  const own = new LongPayload(Buffer.from("abc"));
  own.release();
  expect(own.text()).toBe("YWJj");
});

it("bodies that differ, around their long text or in it, have different fingerprints", () => {
  const first = new LongPayload(Buffer.from("abc"));
  const second = new LongPayload(Buffer.from("abd"));
  const told = (body: string, payload: LongPayload | string, isAround: boolean) =>
    toldFingerprint(fingerprintOf(body, isAround), payload);
  const all = [told("{}", first, true), told("{}", second, true), told("[]", first, true), told("{}", "", false)];
  expect(new Set(all).size).toBe(4);
  for (const one of all) expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(told("{}", "", false)).toBe(sha256("{}"));
  expect(told("{}", new LongPayload(Buffer.from("abc")), true)).toBe(all[0]);
});
