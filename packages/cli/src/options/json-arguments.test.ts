import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  type AvroValue,
  avroDouble,
  decodeAvroValue,
  encodeAvroValue,
  projectForJson,
} from "@durable-workflow/carrier/payload";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CliError } from "../shell/command.js";
import { parseJsonArguments, parseJsonValue, readArgumentText, valueFromProjection } from "./json-arguments.js";

const lossless = (blob: string): unknown => decodeAvroValue(blob, { lossless: true });

function refusalOf(action: () => unknown): CliError {
  try {
    action();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("parseJsonArguments", () => {
  it.each<[string, readonly unknown[]]>([
    ["", []],
    ["  \n", []],
    ["[]", []],
    ["null", [null]],
    ['"Ada"', ["Ada"]],
    ['["Ada", 7]', ["Ada", 7]],
    ["[[1, 2]]", [[1, 2]]],
    ['{"a": {"b": []}}', [{ a: { b: [] } }]],
    ["{}", [{}]],
  ])("reads %j", (text, expected) => {
    expect(parseJsonArguments(text)).toEqual(expected);
  });

  it.each<[string, AvroValue]>([
    ["7", 7],
    ["7.0", avroDouble(7)],
    ["7e2", avroDouble(700)],
    ["-0", 0],
    ["-0.0", avroDouble(-0)],
    ["2.5", 2.5],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -(2n ** 63n)],
    ['"9007199254740993 \\" 7.0"', '9007199254740993 " 7.0'],
    ['{"$type":"bytes","base64":"AP8="}', new Uint8Array([0, 255])],
    ['{"$type":"long","value":"12"}', 12n],
    ['{"$type":"double","value":"1e+21"}', avroDouble(1e21)],
    ['{"$type":"map","entries":[{"key":"$type","value":"x"}]}', { $type: "x" }],
  ])("gives %s its kind", (text, expected) => {
    expect(lossless(encodeAvroValue(parseJsonValue(text)))).toEqual(lossless(encodeAvroValue(expected)));
  });

  it("has __proto__ for a key like any other", () => {
    const value = parseJsonValue('{"__proto__":{"admin":true}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__"]);
  });

  it.each([
    ["[1,", /^the arguments are not JSON: /],
    ["{a: 1}", /^the arguments are not JSON: /],
    ["01", /^the arguments are not JSON: /],
    ['["a", 9223372036854775808]', /^\$\[1\] must be an integer of 64 bits; 9223372036854775808 is beyond that$/],
    ["123456789012345678901234567890", /^\$ must be an integer of 64 bits/],
    ["1e999", /^\$ is a number out of range$/],
    ['{"a":{"$type":"date"}}', /^\$\.a has the unknown \$type "date"$/],
    ['{"$type":"bytes","base64":"AP8"}', /^\$\.base64 must be padded base64/],
    ['{"$type":"bytes","base64":"A P8="}', /^\$\.base64 must be/],
    ['{"$type":"bytes"}', /^\$\.base64 must be/],
    ['{"$type":"long","value":"1.5"}', /^\$ must be an integer/],
    ['{"$type":"long","value":"1","x":1}', /^\$ has x beside \$type and value$/],
    ['{"$type":"double","value":"NaN"}', /^\$ must be a finite double/],
    ['{"$type":"map","entries":[{"key":1,"value":2}]}', /^\$\.entries\[0\] must be/],
    ['{"$type":"map","entries":[null]}', /^\$\.entries\[0\] must be/],
    ['{"$type":"map"}', /^\$\.entries must be a list$/],
    [`${"[".repeat(600)}${"]".repeat(600)}`, /nests deeper than 512 levels$/],
  ])("refuses %j", (text, message) => {
    const { exitCode, message: said, hint } = refusalOf(() => parseJsonArguments(text));
    expect(said).toMatch(message);
    expect(exitCode).toBe(2);
    expect(hint).toBeTypeOf("string");
  });

  it("is the inverse of the projection, kinds of numbers included", () => {
    const value = fc.letrec<{ value: AvroValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constant(null),
        fc.boolean(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map(avroDouble),
        fc.string({ unit: "grapheme" }),
        fc.uint8Array(),
        fc.array(tie("value")),
        fc.dictionary(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("$type", "7", "-1")), tie("value"), {
          noNullPrototype: true,
        }),
      ),
    })).value;
    fc.assert(
      fc.property(value, (original) => {
        const seen = decodeAvroValue(encodeAvroValue(original), { lossless: true });
        const projected = projectForJson(seen);
        expect(lossless(encodeAvroValue(valueFromProjection(projected)))).toEqual(seen);
        expect(lossless(encodeAvroValue(parseJsonValue(JSON.stringify(projected))))).toEqual(seen);
      }),
    );
  });
});

describe("readArgumentText", () => {
  const { signal } = new AbortController();
  const io = { stdin: Readable.from(["[1,", " 2]"]) as NodeJS.ReadableStream, cwd: tmpdir(), signal };

  it("takes text, standard input and a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cli-arguments-"));
    writeFileSync(join(folder, "args.json"), "[3]");
    try {
      expect(await readArgumentText(undefined, io)).toBe("");
      expect(await readArgumentText("[0]", io)).toBe("[0]");
      expect(await readArgumentText("-", io)).toBe("[1, 2]");
      expect(await readArgumentText("@args.json", { ...io, cwd: folder })).toBe("[3]");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(["", " \n"])("refuses %j of standard input: what was to write the arguments has failed", async (text) => {
    const empty = { ...io, stdin: Readable.from([text]) as NodeJS.ReadableStream };
    await expect(readArgumentText("-", empty)).rejects.toMatchObject({
      message: "standard input, for the arguments, holds nothing",
      hint: "No arguments are [].",
      exitCode: 2,
    });
  });

  it("names a file that is not there", async () => {
    await expect(readArgumentText("@none.json", io)).rejects.toThrow(
      "the file of arguments none.json cannot be read: there is no such file or folder",
    );
  });
});
