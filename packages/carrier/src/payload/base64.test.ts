import { describe, expect, it } from "vitest";
import { Branch, CODECS, framed, PLATFORMS, refusalOf, varint } from "../../test/support/avro-wire.js";
import { base64ByteLength } from "./bytes.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const BLOBS = [
  ["without padding", framed([Branch.Boolean, 1])],
  ["with one =", framed([Branch.Null])],
  ["with two =", framed([Branch.Long, ...varint(64)])],
] as const;

describe.each(CODECS)("a blob that is not strict base64, with %s", (_, codec) => {
  describe.each(BLOBS)("%s", (__, blob) => {
    const at = (position: number, inserted: string, removed = 0) =>
      blob.slice(0, position) + inserted + blob.slice(position + removed);
    const middle = 8;
    const cases: readonly (readonly [string, string])[] = [
      ...[" ", "\n", "\r\n", "\t", "\0", "    "].flatMap((space) => [
        [`${JSON.stringify(space)} at the front`, space + blob] as const,
        [`${JSON.stringify(space)} inside`, at(middle, space)] as const,
        [`${JSON.stringify(space)} at the end`, blob + space] as const,
      ]),
      ...[
        " ",
        "\n",
        "-",
        "_",
        "=",
        "*",
        ",",
        ".",
        "\0",
        "\x7f",
        "é",
        "\u00c1",
        "ÿ",
        "\u0141",
        "\u0241",
        "\uff21",
        "\ud800",
      ].flatMap((character) => [
        [`${JSON.stringify(character)} in place of a character`, at(middle, character, 1)] as const,
        [`${JSON.stringify(character)} in place of the first`, at(0, character, 1)] as const,
        [
          `${JSON.stringify(character)} in place of the last`,
          at(blob.length - 1, character === "=" ? "==" : character, 1),
        ] as const,
      ]),
      ["a group of the URL alphabet", at(middle, "-_-_", 4)],
      ["a group of astral characters", at(middle, "😀😀", 4)],
      ["a group of padding inside", at(middle, "AA==")],
      ["padding inside", at(middle, "AAA=")],
      ["one = more", `${blob}=`],
      ["a group of = more", `${blob}====`],
      ["two blobs", blob + blob],
      ["a character less", blob.slice(0, -1)],
      ["two characters less", blob.slice(0, -2)],
      ["three characters less", blob.slice(0, -3)],
      ["a character more", `${blob}A`],
      ["a data URL", `data:;base64,${blob}`],
    ];

    it.each(cases.filter(([___, text]) => text !== blob))("%s", (name, text) => {
      const refusal = refusalOf(() => codec.decode(text));
      expect(refusal.code).toBe("invalid_payload_framing");
      if (name !== "two blobs") expect(refusal.message).toContain("the blob is not strict base64");
    });
  });
});

describe.each(PLATFORMS)("base64, with %s", (_, platform) => {
  const read = (text: string): readonly number[] | undefined => {
    const target = platform.allocate(64);
    return platform.readBase64(text, target, base64ByteLength(text))
      ? [...target.subarray(0, base64ByteLength(text))]
      : undefined;
  };

  it("of any length is that of Node, both ways", () => {
    for (let length = 0; length <= 48; length++) {
      const bytes = platform.allocate(64).map((__, index) => (index * 37 + length * 11) & 0xff);
      const expected = Buffer.from(bytes.subarray(0, length)).toString("base64");
      expect(platform.writeBase64(bytes, length), `${length} bytes`).toBe(expected);
      expect(read(expected), `${length} bytes`).toEqual([...bytes.subarray(0, length)]);
    }
  });

  it("of many bytes is that of Node, both ways", () => {
    const bytes = platform.allocate(100_001).map((__, index) => (index * index) & 0xff);
    const expected = Buffer.from(bytes).toString("base64");
    expect(platform.writeBase64(bytes, bytes.length)).toBe(expected);
    const target = platform.allocate(bytes.length);
    expect(platform.readBase64(expected, target, base64ByteLength(expected))).toBe(true);
    expect(Buffer.compare(target, bytes)).toBe(0);
  });

  it("has no bits behind its last byte", () => {
    for (const [index, letter] of ALPHABET.split("").entries()) {
      expect(read(`ab${letter}=`) !== undefined, `ab${letter}=`).toBe(index % 4 === 0);
      expect(read(`a${letter}==`) !== undefined, `a${letter}==`).toBe(index % 16 === 0);
      expect(read(`abc${letter}`) !== undefined, `abc${letter}`).toBe(true);
    }
  });

  it.each([
    "=",
    "==",
    "===",
    "====",
    "A",
    "AA",
    "AAA",
    "A===",
    "A=A=",
    "AA=A",
    "=AAA",
    "AAAA=",
    "AAAA====",
    "AA==AAAA",
    "AAA=AAAA",
  ])("is not %s", (text) => {
    expect(read(text)).toBeUndefined();
  });

  it("has no character but its own, in any place", () => {
    for (let code = 0; code < 0x300; code++) {
      const character = String.fromCharCode(code);
      if (ALPHABET.includes(character) || character === "=") continue;
      for (const text of [
        `${character}AAA`,
        `A${character}AA`,
        `AA${character}A`,
        `AAA${character}`,
        `A${character}==`,
        `AA${character}=`,
      ]) {
        expect(read(text), JSON.stringify(text)).toBeUndefined();
      }
    }
  });
});

it.each([
  ["", 0],
  ["=", 0],
  ["==", 0],
  ["AAAA", 3],
  ["AAA=", 2],
  ["AA==", 1],
  ["AAAAAA==", 4],
])("%j stands for %i bytes", (text, length) => {
  expect(base64ByteLength(text)).toBe(length);
});
