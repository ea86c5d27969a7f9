import { encodeAvroValue, toAvroValue } from "@durable-workflow/carrier/payload";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LongPayload } from "../long-payload.js";
import { readPayload } from "../wire/payloads.js";
import { type ParsedBody, parseBody } from "./body.js";
import { aroundLongText, holdsControls } from "./long-text.js";

const LONG = 70_000;

/** Pieces as a socket brings them. */
function piecesOf(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

function parse(body: string | Buffer, pieceBytes = 65_536): ParsedBody {
  return parseBody(piecesOf(Buffer.from(body), pieceBytes), "application/json", "input");
}

/** The payload of a body, as text. */
function payloadOf({ object, long }: ParsedBody): { readonly text: string; readonly isLong: boolean } {
  const payload = readPayload(object["input"], "input", long);
  if (payload instanceof LongPayload) {
    const text = payload.text();
    // The next one is read into the same memory.
    payload.release();
    return { text, isLong: true };
  }
  if (typeof payload !== "string") throw new Error("a reference");
  return { text: payload, isLong: false };
}

const longTexts = fc
  .tuple(fc.constantFrom("a", "\u00e9", "\u20ac", "\u{1f600}", "{", "/", "'"), fc.string({ maxLength: 20 }))
  .map(([unit, end]) => unit.repeat(Math.ceil(LONG / unit.length)) + end);
const shortValues = fc.jsonValue({ maxDepth: 2 });

describe("a long text that is apart", () => {
  it("is encoded to the bytes that the whole value is encoded to, wherever in a list it stands", () => {
    fc.assert(
      fc.property(
        longTexts,
        fc.array(shortValues, { maxLength: 3 }),
        fc.array(shortValues, { maxLength: 3 }),
        fc.constantFrom(
          (value: unknown) => value,
          (value: unknown) => [value],
          (value: unknown) => ({ first: 1, value, z: [2] }),
          (value: unknown) => [{ inner: [{ value }, 3] }],
        ),
        fc.integer({ min: 1000, max: 80_000 }),
        (text, before, after, within, pieceBytes) => {
          const document = { activity_type: "size", input: [...before, within(text), ...after], task_queue: "q" };
          const parsed = parse(JSON.stringify(document), pieceBytes);
          const expected = encodeAvroValue(toAvroValue(JSON.parse(JSON.stringify(document.input))));
          const { text: encoded, isLong } = payloadOf(parsed);
          expect(encoded === expected).toBe(true);
          // What needs no escapes needs no parser.
          if (JSON.stringify(text).length === text.length + 2) expect(isLong).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is the bytes of its base64, where it is the blob of an envelope", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (end) => {
        const blob = Buffer.concat([Buffer.alloc(LONG, 7), end]).toString("base64");
        const parsed = parse(JSON.stringify({ input: { codec: "avro", blob }, activity_type: "size" }));
        const { text, isLong } = payloadOf(parsed);
        expect(isLong).toBe(true);
        expect(text === blob).toBe(true);
      }),
    );
  });

  it.each([
    ["of the alphabet of URLs", "_".repeat(LONG)],
    ["with bits after its last byte", `${"QUJD".repeat(LONG / 4)}QUJ=`],
    ["with white space", `${"QUJD".repeat(LONG / 4)}Q JD`],
    ["that is none", "\u00e9".repeat(LONG)],
  ])("stays text as a blob %s", (_, blob) => {
    const parsed = parse(JSON.stringify({ input: { codec: "avro", blob } }));
    expect(readPayload(parsed.object["input"], "input", parsed.long) === blob).toBe(true);
  });

  it("is only one that the payload brings: elsewhere the body is read as any other", () => {
    const long = "x".repeat(LONG);
    for (const document of [
      { input: ["short"], business_key: long },
      { input: [{ [long]: 1 }] },
      { [long]: 1, input: ["short"] },
      { input: { codec: long, blob: "QUJD" } },
      { input: { codec: "avro", blob: "QUJD", more: long } },
      { input: [long, long] },
      { input: [`${long}\n`] },
    ]) {
      const parsed = parse(JSON.stringify(document));
      expect(parsed.long).toBeUndefined();
      expect(parsed.object).toEqual(document);
    }
  });

  it("is not the first of two properties of one name", () => {
    const parsed = parse(`{"input":["${"x".repeat(LONG)}"],"input":["short"]}`);
    expect(parsed.long).toBeUndefined();
    expect(parsed.object).toEqual({ input: ["short"] });
  });

  it.each([
    ["a control character", `{"input":["${"x".repeat(LONG)}\n"]}`],
    ["a control character in a blob", `{"input":{"codec":"avro","blob":"${"QUJD".repeat(LONG / 4)}\tQUJD"}}`],
    ["a control character at the end of a blob", `{"input":{"codec":"avro","blob":"${"QUJD".repeat(LONG / 4)}\n"}}`],
    ["no end", `{"input":["${"x".repeat(LONG)}`],
    ["something behind the document", `{"input":["${"x".repeat(LONG)}"]}]`],
    ["bytes that are no UTF-8", Buffer.from(`{"input":["${"x".repeat(LONG)}\u00e9"]}`, "latin1")],
  ])("is refused as any other, in a body with %s", (_, body) => {
    expect(() => parse(body)).toThrow(expect.objectContaining({ reply: expect.objectContaining({ status: 400 }) }));
  });
});

it("a text is found that ends in backslashes, and one behind many others is left to the parser", () => {
  const long = "x".repeat(LONG);
  const found = (text: string) => aroundLongText(Buffer.from(text), () => undefined)?.long;
  expect(found(JSON.stringify(["\\", '\\"', long]))).toBeDefined();
  expect(found(JSON.stringify([...Array<string>(300).fill("a"), long]))).toBeUndefined();
  expect(found(JSON.stringify([`${long}\\`]))).toBeUndefined();
});

it("a control character is found wherever it stands, and nothing else is taken for one", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat({ max: 9 }), (bytes, skip) => {
      const part = bytes.subarray(skip);
      expect(holdsControls(part)).toBe(part.some((byte) => byte < 0x20));
      const none = part.map((byte) => byte | 0x20);
      expect(holdsControls(none)).toBe(false);
    }),
    { numRuns: 500 },
  );
});
