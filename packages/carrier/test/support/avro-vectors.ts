import { readFileSync } from "node:fs";
import { type AvroValue, avroDouble } from "../../src/payload/value.js";

/** A value as test/vectors/generate.mjs writes it down: kind, content, and how often text or bytes are repeated. */
type Notation =
  | readonly ["null"]
  | readonly ["boolean", boolean]
  | readonly ["long" | "double", string]
  | readonly ["bytes" | "string", string, number?]
  | readonly ["array", readonly Notation[]]
  | readonly ["map", readonly (readonly [string, Notation])[]];

interface Vector {
  readonly name: string;
  readonly value: Notation;
  readonly blob: string;
}

export const VECTORS_FOLDER = new URL("../vectors/", import.meta.url);

export function readVectors(): { readonly schema: object; readonly vectors: readonly Vector[] } {
  return JSON.parse(readFileSync(new URL("avro-value.json", VECTORS_FOLDER), "utf8"));
}

/** The value with every number in its own kind: what a lossless decode returns. */
export function losslessValue(notation: Notation): AvroValue {
  return valueOf(notation, BigInt, (text) => avroDouble(Number(text)));
}

/** The value as a decode returns it: longs as numbers in the safe range, doubles as numbers. */
export function plainValue(notation: Notation): AvroValue {
  return valueOf(notation, (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)), Number);
}

function valueOf(
  notation: Notation,
  readLong: (text: string) => AvroValue,
  readDouble: (text: string) => AvroValue,
): AvroValue {
  switch (notation[0]) {
    case "null":
      return null;
    case "boolean":
      return notation[1];
    case "long":
      return readLong(notation[1]);
    case "double":
      return readDouble(notation[1]);
    case "bytes":
      return new Uint8Array(Buffer.concat(Array<Buffer>(notation[2] ?? 1).fill(Buffer.from(notation[1], "base64"))));
    case "string":
      return notation[1].repeat(notation[2] ?? 1);
    case "array":
      return notation[1].map((item) => valueOf(item, readLong, readDouble));
    case "map":
      return Object.fromEntries(notation[1].map(([key, item]) => [key, valueOf(item, readLong, readDouble)]));
  }
}
