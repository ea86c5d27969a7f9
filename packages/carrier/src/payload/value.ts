/** Marks {@link AvroDouble} across duplicate installs. */
const DOUBLE = Symbol.for("durable-workflow.avro-double");

/** A number that travels as a double even where its value is an integer. Made by {@link avroDouble}. */
export class AvroDouble {
  readonly [DOUBLE] = true;
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}

/**
 * What a payload can hold.
 *
 * | kind | written from | read as |
 * | --- | --- | --- |
 * | null | `null`; `undefined` at the top and in lists | `null` |
 * | boolean | `boolean` | `boolean` |
 * | long | safe-integer `number`, `bigint` within 64 bits | `number` in the safe range, else `bigint` |
 * | double | any other finite `number`, `-0`, {@link avroDouble} | `number` |
 * | bytes | `Uint8Array` | `Uint8Array` |
 * | string | well-formed `string` | `string` |
 * | array | `Array` | `Array` |
 * | map | plain object; `undefined` properties are left out | plain object |
 */
export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | AvroDouble
  | readonly AvroValue[]
  | { readonly [key: string]: AvroValue };

/**
 * Forces the kind double: `avroDouble(7)` is 7.0 on the wire, where 7 is a long.
 *
 * @throws {TypeError} when `value` is no number; a non-finite one is refused when it is encoded
 */
export function avroDouble(value: number): AvroDouble {
  if (typeof value !== "number") throw new TypeError(`avroDouble takes a number, got ${typeof value}`);
  return new AvroDouble(value);
}

/** True for an {@link AvroDouble} of any copy of this library. */
export function isAvroDouble(value: unknown): value is AvroDouble {
  return typeof value === "object" && value !== null && (value as { [DOUBLE]?: unknown })[DOUBLE] === true;
}

/** How deep lists and maps may nest. Deeper data is an attack or a cycle, and would overflow a stack somewhere. */
export const MAX_DEPTH = 512;

/** True for objects that are plain data: from a literal, `JSON.parse` or `Object.create(null)`, in any realm. */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf");
}

/** Sets a data property, whatever its name: `object.__proto__ = x` would set the prototype instead. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}
