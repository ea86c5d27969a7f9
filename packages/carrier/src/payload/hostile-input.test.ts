import { describe, expect, it } from "vitest";
import {
  Branch,
  blobOf,
  CODECS,
  framed,
  HEADER,
  INT64_MAX,
  INT64_MIN,
  PLATFORMS,
  refusalOf,
  sized,
  varint,
} from "../../test/support/avro-wire.js";
import { createAvroCodec } from "./codec.js";

const NULL = [Branch.Null];

function repeated(times: number, ...bytes: readonly number[]): Uint8Array {
  return new Uint8Array(times * bytes.length).map((_, index) => bytes[index % bytes.length] ?? 0);
}

const FRAMES: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "invalid_payload_framing"],
  ["the marker only", blobOf([0xc3, 0x01]), "invalid_payload_framing"],
  ["nine bytes of the header", blobOf(HEADER.subarray(0, 9)), "invalid_payload_framing"],
  ["a wrong first byte", blobOf([0xc4], HEADER.subarray(1), NULL), "invalid_payload_framing"],
  ["a wrong second byte", blobOf([0xc3, 2], HEADER.subarray(2), NULL), "invalid_payload_framing"],
  ["a short frame of another schema", blobOf([0xc3, 1, 7, 7]), "invalid_payload_framing"],
  ["the framing of old servers", blobOf([0], NULL), "invalid_payload_framing"],
  ["another schema", blobOf([0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8], NULL), "unsupported_payload_schema"],
  ["another schema without a datum", blobOf([0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8]), "unsupported_payload_schema"],
  ["a fingerprint that ends differently", blobOf(HEADER.subarray(0, 9), [0x36], NULL), "unsupported_payload_schema"],
  [
    "the fingerprint in the other order",
    blobOf([0xc3, 1], HEADER.slice(2).toReversed(), NULL),
    "unsupported_payload_schema",
  ],
];

const DATA: readonly (readonly [string, string])[] = [
  ["no datum", framed()],
  ["an unknown branch", framed([16])],
  ["an odd branch", framed([1])],
  ["a branch of two bytes", framed([0x80, 0])],
  ["a boolean of 2", framed([Branch.Boolean, 2])],
  ["a byte after the value", framed(NULL, [0])],
  ["a second frame after the value", framed(NULL, HEADER, NULL)],
  ["NaN", framed([Branch.Double, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f])],
  ["Infinity", framed([Branch.Double, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f])],
  ["-Infinity", framed([Branch.Double, 0, 0, 0, 0, 0, 0, 0xf0, 0xff])],

  ["an integer of 11 bytes", framed([Branch.Long], varint(INT64_MAX, 1))],
  ["an integer with a tenth byte of 2", framed([Branch.Long], repeated(9, 0xff), [2])],
  ["an integer of 65 bits", framed([Branch.Long], varint(INT64_MAX + 1n))],
  ["an integer of endless bytes", framed([Branch.Long], repeated(1000, 0xff))],
  ["an integer that never ends", framed([Branch.Long], repeated(5, 0x80))],
  ["zero in two bytes", framed([Branch.Long], varint(0, 1))],
  ["zero in ten bytes", framed([Branch.Long], varint(0, 9))],
  ["a small integer in four bytes", framed([Branch.Long], varint(300, 2))],
  ["a small integer in five bytes", framed([Branch.Long], varint(300, 3))],
  ["an integer of 63 bits in ten bytes", framed([Branch.Long], varint(2n ** 62n - 1n, 1))],

  ["text longer than the blob", framed([Branch.String], varint(5), [65])],
  ["text of 2 GiB", framed([Branch.String], varint(2n ** 31n))],
  ["text of 2^53 - 1 bytes", framed([Branch.String], varint(2n ** 53n - 1n))],
  ["text of 2^53 bytes", framed([Branch.String], varint(2n ** 53n))],
  ["text of the greatest length", framed([Branch.String], varint(INT64_MAX))],
  ["text of the least length", framed([Branch.String], varint(INT64_MIN))],
  ["text of length -1", framed([Branch.String], varint(-1), [65])],
  ["text with a padded length", framed([Branch.String], varint(1, 1), [65])],
  ["bytes longer than the blob", framed([Branch.Bytes], varint(2), [65])],
  ["bytes of length -1", framed([Branch.Bytes], varint(-1))],
  ["bytes of 1 TiB", framed([Branch.Bytes], varint(2n ** 40n))],
  ["a key longer than the blob", framed([Branch.Map], varint(1), varint(9), [65, 0, 0])],
  ["a key of length -1", framed([Branch.Map], varint(1), varint(-1), [0, 0])],

  ["an array of more items than bytes", framed([Branch.Array], varint(4), [0, 0, 0])],
  ["an array of 2^31 items", framed([Branch.Array], varint(2n ** 31n), [0])],
  ["an array of 2^53 - 1 items", framed([Branch.Array], varint(2n ** 53n - 1n))],
  ["an array of the greatest count", framed([Branch.Array], varint(INT64_MAX))],
  ["an array of the least count", framed([Branch.Array], varint(INT64_MIN), [0])],
  ["an array of -(2^53 - 1) items", framed([Branch.Array], varint(-(2n ** 53n) + 1n), [0])],
  ["an array without its end", framed([Branch.Array], varint(1), NULL)],
  ["a map of more entries than bytes can hold", framed([Branch.Map], varint(2), [0, 0, 0])],
  ["a map of the greatest count", framed([Branch.Map], varint(INT64_MAX))],
  ["a map of the least count", framed([Branch.Map], varint(INT64_MIN), [0])],
  ["a map without its end", framed([Branch.Map], varint(1), sized("a"), NULL)],

  ["a block that is smaller than its size", framed([Branch.Array], varint(-1), varint(2), NULL, [0, 0])],
  ["a block that is greater than its size", framed([Branch.Array], varint(-2), varint(1), NULL, NULL, [0])],
  ["a block of size 0 with items", framed([Branch.Array], varint(-1), varint(0), NULL, [0])],
  ["a second block of another size", framed([Branch.Array], [2, 0], varint(-1), varint(2), NULL, [0, 0])],
  ["a block with a size beyond the end", framed([Branch.Array], varint(-1), varint(9), NULL, [0])],
  ["a block with a negative size", framed([Branch.Array], varint(-1), varint(-1), NULL, [0])],
  ["a block with the greatest size", framed([Branch.Array], varint(-1), varint(INT64_MAX), NULL, [0])],
  ["a map's block of another size", framed([Branch.Map], varint(-1), varint(4), sized("a"), NULL, [0])],
  [
    "a block that ends inside an inner one",
    framed([Branch.Array], varint(-1), varint(4), [Branch.Array], varint(-1), varint(2), [0, 0, 0, 0]),
  ],
  [
    "a wrong size around a good inner block",
    framed([Branch.Array], varint(-1), varint(4), [Branch.Array], varint(-1), varint(1), NULL, [0, 0]),
  ],

  ["100,000 arrays in each other", framed(repeated(100_000, Branch.Array, 2), NULL, repeated(100_000, 0))],
  ["100,000 maps in each other", framed(repeated(100_000, Branch.Map, 2, 0), NULL, repeated(100_000, 0))],
  ["100,000 arrays without an end", framed(repeated(100_000, Branch.Array, 2))],
  ["100,000 sized blocks in each other", framed(repeated(100_000, Branch.Array, 1, 0))],
  ["513 arrays, the inner one empty", framed(repeated(512, Branch.Array, 2), [Branch.Array], repeated(513, 0))],
];

/** Broken UTF-8, in bytes. */
const BROKEN_TEXTS: readonly (readonly [string, readonly number[]])[] = [
  ["a continuation byte alone", [0x80]],
  ["another continuation byte alone", [0xbf]],
  ["NUL in two bytes", [0xc0, 0x80]],
  ["an ASCII letter in two bytes", [0xc1, 0x81]],
  ["a two-byte character in three", [0xe0, 0x9f, 0xbf]],
  ["a three-byte character in four", [0xf0, 0x8f, 0xbf, 0xbf]],
  ["the first high surrogate", [0xed, 0xa0, 0x80]],
  ["the last low surrogate", [0xed, 0xbf, 0xbf]],
  ["a pair of surrogates", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ["a character beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a first byte beyond the range", [0xf5, 0x80, 0x80, 0x80]],
  ["the old form of five bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ["a byte that never is UTF-8", [0xff]],
  ["the first of two bytes", [0xc3]],
  ["two of three bytes", [0xe2, 0x82]],
  ["three of four bytes", [0xf0, 0x9f, 0x98]],
  ["two bytes interrupted", [0xc3, 0x28]],
  ["three bytes interrupted", [0xe2, 0x82, 0x28]],
  ["four bytes interrupted", [0xf0, 0x9f, 0x28, 0x80]],
];

/** What stands before and after: the codec reads short, middling and long text in different ways. */
const SURROUNDINGS = [...Array(14).keys(), 33, 64, 65, 4097].flatMap((length) => [
  "a".repeat(length),
  `${"a".repeat(length)}é`,
  `\ufffd${"a".repeat(length)}`,
]);

describe.each(CODECS)("hostile input, with %s", (_, codec) => {
  describe.each([false, true])("lossless: %s", (lossless) => {
    const refuse = (blob: string) => refusalOf(() => codec.decode(blob, { lossless }));

    it.each(FRAMES)("a frame of %s", (__, blob, code) => {
      expect(refuse(blob).code).toBe(code);
    });

    it.each(DATA)("%s", (__, blob) => {
      expect(refuse(blob).code).toBe("invalid_payload_framing");
    });
  });

  const refuse = (blob: string) => refusalOf(() => codec.decode(blob));

  it.each(BROKEN_TEXTS)("text with %s", (__, broken) => {
    for (const before of SURROUNDINGS) {
      for (const after of ["", "a", "b".repeat(20), "語"]) {
        const bytes = [...Buffer.from(before), ...broken, ...Buffer.from(after)];
        const message = `before: ${before.length}, after: ${after.length}`;
        expect(refuse(framed([Branch.String], sized(bytes))).message, message).toContain("invalid UTF-8");
        expect(refuse(framed([Branch.Map], varint(1), sized(bytes), NULL, [0])).message, message).toContain(
          "invalid UTF-8",
        );
      }
    }
  });

  it("text that would be whole with the bytes that follow it", () => {
    const blob = framed([Branch.Array], varint(2), [Branch.String], sized([0xc3]), [0xa9], [0]);
    expect(refuse(blob).message).toContain("invalid UTF-8");
  });

  it.each([
    [framed([Branch.Map], varint(1), sized([0xff]), NULL, [0]), /UTF-8.*at byte 13 of 16/],
    [framed(NULL, NULL), /more follows the value: 1 bytes \(at byte 11 of 12/],
    [framed([Branch.Array, 1, 4, 0, 0, 0]), /invalid block: expected its end at byte 15 \(at byte 14 of 16/],
    [framed([9]), /invalid branch 9: expected one of 0, 2, \.\.\. 14 \(at byte 11 of 11/],
    [framed([Branch.Boolean, 7]), /invalid boolean 7: expected 0 or 1 \(at byte 12 of 12/],
    [
      framed([Branch.Double, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f]),
      /invalid double Infinity: expected a finite one \(at byte 11 of 19/,
    ],
    [
      framed([Branch.Long, 0x80, 0]),
      /invalid integer ending in 0: expected 64 bits in as few bytes as they need \(at byte 13 of 13/,
    ],
    [framed([Branch.Bytes, 3]), /invalid length -2: expected 0 or more \(at byte 12 of 12/],
    [framed([Branch.Bytes, 8, 1]), /the frame is too short: expected 4 more bytes, got 1 \(at byte 12 of 13/],
    [framed(repeated(600, Branch.Array, 2)), /deeper than 512 levels/],
  ])("messages say what is wrong, and where: %#", (blob, pattern) => {
    expect(refuse(blob).message).toMatch(pattern);
  });

  const HINT = "JSON is the document transport";

  it.each(['{"a":1}', "[1]", '"text"', ' \n {"a":1}', "{}", "[]", '["a', '[{"codec":"avro","blob":""}]'])(
    "JSON: %j",
    (text) => {
      expect(refuse(text).message).toContain(HINT);
      expect(refuse(text).code).toBe("invalid_payload_framing");
    },
  );

  it.each(['{"a":1}', "[1]", '"text"', "null"])("JSON in base64: %j", (text) => {
    expect(refuse(Buffer.from(text).toString("base64")).message).toMatch(/^invalid_payload_framing: .* C3 01 /);
  });

  it.each(["text", "%", "AAAA", blobOf([0xc3, 1])])("no JSON: %j", (text) => {
    expect(refuse(text).message).not.toContain(HINT);
  });
});

it.each(PLATFORMS)(
  "memory is asked for by the length of a blob, never by what it announces, with %s",
  (_, platform) => {
    let greatest = 0;
    const codec = createAvroCodec({
      ...platform,
      allocate(size) {
        greatest = Math.max(greatest, size);
        return platform.allocate(size);
      },
    });
    for (const [name, blob] of DATA) {
      greatest = 0;
      refusalOf(() => codec.decode(blob));
      expect(greatest, name).toBeLessThanOrEqual(Math.max(1024, blob.length));
    }
  },
);

describe.each(CODECS)("what reads like hostile input and is none, with %s", (_, codec) => {
  it("512 levels", () => {
    const blob = framed(repeated(511, Branch.Array, 2), [Branch.Map, 0], repeated(511, 0));
    expect(JSON.stringify(codec.decode(blob))).toBe(`${"[".repeat(511)}{}${"]".repeat(511)}`);
  });

  it("512 levels again and again", () => {
    const deep = [...repeated(511, Branch.Array, 2), Branch.Array, 0, ...repeated(511, 0)];
    refusalOf(() => codec.decode(framed([Branch.Array], varint(2), deep, deep, [0])));
    const oneLess = deep.slice(2, -1);
    expect(codec.decode(framed([Branch.Array], varint(2), oneLess, oneLess, [0]))).toHaveLength(2);
  });

  it.each([
    { of: "maps", most: 10, item: [Branch.Map, 0] },
    { of: "lists", most: 10, item: [Branch.Array, 0] },
    { of: "byte strings", most: 2, item: [Branch.Bytes, 0] },
    { of: "large integers", most: 10, item: [Branch.Long, ...varint(INT64_MAX)] },
    { of: "longer texts", most: 10, item: [Branch.String, ...sized("a text of more than a few characters")] },
  ])("as many $of as are allowed, and no more", ({ most, item }) => {
    const list = (count: number) =>
      framed([Branch.Array], varint(count), ...Array.from({ length: count }, () => item), [0]);
    // The list itself is one.
    expect(codec.decode(list(most), { mostValues: 11 })).toHaveLength(most);
    expect(() => codec.decode(list(most + 1), { mostValues: 11 })).toThrow(/more values than 11 at once/);
    expect(codec.decode(list(most + 1))).toHaveLength(most + 1);
  });

  it("small values without number", () => {
    const count = 1000;
    const small = framed([Branch.Array], varint(count), ...Array.from({ length: count }, () => [Branch.Null]), [0]);
    expect(codec.decode(small, { mostValues: 1 })).toHaveLength(count);
  });

  it("a key that comes twice: the last value counts", () => {
    const twice = framed(
      [Branch.Map],
      varint(2),
      sized("a"),
      [Branch.Boolean, 0],
      sized("a"),
      [Branch.Boolean, 1],
      [0],
    );
    expect(codec.decode(twice)).toEqual({ a: true });
  });

  it("__proto__ twice", () => {
    const key = sized("__proto__");
    const map = codec.decode(framed([Branch.Map], varint(2), key, [Branch.Boolean, 0], key, [Branch.Boolean, 1], [0]));
    expect(Object.entries(map ?? {})).toEqual([["__proto__", true]]);
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
  });

  it("the extremes of 64 bits", () => {
    expect(codec.decode(framed([Branch.Long], varint(INT64_MAX)))).toBe(INT64_MAX);
    expect(codec.decode(framed([Branch.Long], varint(INT64_MIN)))).toBe(INT64_MIN);
  });
});
