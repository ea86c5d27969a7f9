import { type AvroValue, isAvroDouble } from "@durable-workflow/carrier/payload";

/** A value as peers of any language write it: every kind and every bit kept, in JSON. */
export type Notation = null | boolean | { readonly [kind: string]: unknown };

/** The notation of a value that was decoded losslessly, or is made of bigints and `avroDouble`s; maps sorted by key. */
export function toNotation(value: AvroValue): Notation {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "bigint") return { l: value.toString() };
  if (typeof value === "number")
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? { l: String(value) } : double(value);
  if (isAvroDouble(value)) return double(value.value);
  if (typeof value === "string") return { s: value };
  if (value instanceof Uint8Array) return { b: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return { a: value.map((item: AvroValue) => toNotation(item)) };
  return {
    m: sorted(Object.entries(value as Record<string, AvroValue>).map(([key, item]) => [key, toNotation(item)])),
  };
}

/** The same with the entries of every map sorted by key: peers keep their own order. */
export function normalised(notation: Notation): Notation {
  if (notation === null || typeof notation === "boolean") return notation;
  if ("a" in notation) return { a: (notation["a"] as Notation[]).map((item) => normalised(item)) };
  if (!("m" in notation)) return notation;
  return { m: sorted((notation["m"] as [string, Notation][]).map(([key, item]) => [key, normalised(item)])) };
}

function double(value: number): Notation {
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  return { d: bits.toString("hex") };
}

function sorted(entries: readonly [string, Notation][]): readonly [string, Notation][] {
  return entries.toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}
