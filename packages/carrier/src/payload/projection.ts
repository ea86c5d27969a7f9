import { PayloadError } from "./errors.js";
import { bytesToBase64 } from "./platform/portable.js";
import { type AvroValue, isAvroDouble, isBytes, isPlainObject, MAX_DEPTH, setOwn, tagOf } from "./value.js";

/** A JSON document. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Keys that another language's JSON tools may turn into list indexes. */
const NUMERIC_LOOKING = /^[+-]?\d/;

/**
 * The inspection projection: a payload value as a JSON document, for people and tools to read.
 *
 * By contract bytes become `{"$type":"bytes","base64":...}`, and a map that is empty or has numeric-looking keys
 * `{"$type":"map","entries":[{"key":...,"value":...}]}`; the rest is plain JSON. Three cases that plain JSON would lose
 * are ours: an integer outside the safe range becomes `{"$type":"long","value":"..."}`, a double that reads as an
 * integer (of a lossless decode, or -0) `{"$type":"double","value":"..."}`, and a map with a `$type` key of its own takes
 * the entries form.
 *
 * @throws {PayloadError} for what is no payload value
 */
export function projectForJson(value: AvroValue): JsonValue {
  return project(value, 0);
}

function project(value: unknown, depth: number): JsonValue {
  if (depth > MAX_DEPTH) {
    throw new PayloadError("unsupported_value_type", `the value nests deeper than ${MAX_DEPTH} levels`);
  }
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "number":
      return projectNumber(value, false);
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : { $type: "long", value: value.toString() };
    case "object":
      return value === null ? null : projectObject(value, depth);
    case "function":
    case "symbol":
      throw new PayloadError("unsupported_value_type", `a ${typeof value} is no payload value`);
  }
}

function projectNumber(value: number, isDouble: boolean): JsonValue {
  if (!Number.isFinite(value)) throw new PayloadError("non_finite_float", `${value} is no payload value`);
  if (Object.is(value, -0)) return { $type: "double", value: "-0.0" };
  if (isDouble && Number.isInteger(value)) {
    const digits = String(value);
    return { $type: "double", value: /^-?\d+$/.test(digits) ? `${digits}.0` : digits };
  }
  return value;
}

function projectObject(value: object, depth: number): JsonValue {
  if (Array.isArray(value)) return Array.from(value, (item) => project(item, depth + 1));
  if (isBytes(value)) return { $type: "bytes", base64: bytesToBase64(value) };
  if (isAvroDouble(value)) return projectNumber(value.value, true);
  if (!isPlainObject(value)) throw new PayloadError("unsupported_value_type", `a ${tagOf(value)} is no payload value`);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0 || entries.some(([key]) => key === "$type" || NUMERIC_LOOKING.test(key))) {
    return { $type: "map", entries: entries.map(([key, item]) => ({ key, value: project(item, depth + 1) })) };
  }
  const plain: Record<string, JsonValue> = {};
  for (const [key, item] of entries) setOwn(plain, key, project(item, depth + 1));
  return plain;
}
