import { PayloadError } from "./errors.js";
import { type AvroValue, avroDouble, isAvroDouble, isBytes, isPlainObject, MAX_DEPTH, setOwn } from "./value.js";

/**
 * Converts everyday JavaScript values to payload values. Explicit, because it loses what the eight kinds cannot hold:
 *
 * | value | becomes |
 * | --- | --- |
 * | anything with a `toJSON` method but the ones below | what `toJSON` returns, converted |
 * | `Date` | RFC 3339 text in UTC |
 * | `URL` | its `href` |
 * | `Map` with text keys | map |
 * | `Set` | array, in insertion order |
 * | `Uint8Array`, `Uint8ClampedArray`, `ArrayBuffer`, `DataView` | bytes |
 * | `Float32Array`, `Float64Array` | array of doubles |
 * | other typed arrays | array of longs |
 * | `Error` | map of `name`, `message` and its own enumerable fields, without the stack |
 * | boxed primitives | the primitive |
 * | another class's instance | map of its own enumerable fields |
 *
 * It does not change what is a payload value already, reads no symbol keys, and copies no bytes.
 *
 * @throws {PayloadError} for functions, symbols, promises, invalid dates, Map keys that are no text, and values that
 *   contain themselves
 */
export function toAvroValue(value: unknown): AvroValue {
  return convert(value, []);
}

function convert(value: unknown, ancestors: readonly object[]): AvroValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "object":
      return value === null ? null : convertObject(value, ancestors);
    case "function":
    case "symbol":
      throw new PayloadError("unsupported_value_type", `a ${typeof value} has no form as a payload value`);
  }
}

function convertObject(value: object, ancestors: readonly object[]): AvroValue {
  if (isBytes(value) || isAvroDouble(value)) return value;
  if (ancestors.includes(value)) throw new PayloadError("unsupported_value_type", "the value contains itself");
  if (ancestors.length >= MAX_DEPTH) {
    throw new PayloadError("unsupported_value_type", `the value nests deeper than ${MAX_DEPTH} levels`);
  }
  const inside = [...ancestors, value];
  if (Array.isArray(value)) return Array.from(value, (item) => convert(item, inside));
  if (isPlainObject(value)) return hasToJson(value) ? convert(value.toJSON(), inside) : convertFields(value, inside);
  return convertBuiltIn(value, inside);
}

function convertBuiltIn(value: object, inside: readonly object[]): AvroValue {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new PayloadError("unsupported_value_type", "the date is invalid");
    return value.toISOString();
  }
  if (typeof URL === "function" && value instanceof URL) return value.href;
  if (value instanceof Map) return convertMap(value, inside);
  if (value instanceof Set) return Array.from(value, (item) => convert(item, inside));
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return convertView(value);
  if (value instanceof Promise) {
    throw new PayloadError("unsupported_value_type", "a promise has no form as a payload value; await it first");
  }
  if (value instanceof String || value instanceof Number || value instanceof BigInt || value instanceof Boolean) {
    return value.valueOf();
  }
  if (hasToJson(value)) return convert(value.toJSON(), inside);
  if (value instanceof Error) {
    return { name: value.name, message: value.message, ...convertFields(value, inside) };
  }
  return convertFields(value, inside);
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function convertMap(map: ReadonlyMap<unknown, unknown>, inside: readonly object[]): AvroValue {
  const converted: Record<string, AvroValue> = {};
  for (const [key, item] of map) {
    if (typeof key !== "string") {
      throw new PayloadError("invalid_map_key", `a Map key is a ${typeof key}; keys are never turned into text`);
    }
    setOwn(converted, key, convert(item, inside));
  }
  return converted;
}

function convertView(view: ArrayBufferView): AvroValue {
  if (view instanceof Float32Array || view instanceof Float64Array) return Array.from(view, avroDouble);
  if (view instanceof DataView || view instanceof Uint8ClampedArray) {
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }
  // What remains are the integer arrays, of number or bigint.
  return Array.from(view as unknown as Iterable<number | bigint>);
}

function convertFields(value: object, inside: readonly object[]): { [key: string]: AvroValue } {
  const fields: Record<string, AvroValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) setOwn(fields, key, convert(item, inside));
  }
  return fields;
}
