import { brand, brandOf } from "../protocol/brand.js";

/** A number that travels as a double even where its value is an integer. Made by {@link avroDouble}. */
export class AvroDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
    brand(this, "AvroDouble");
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
  return brandOf(value) === "AvroDouble";
}

/** How deep lists and maps may nest. Deeper data is an attack or a cycle, and would overflow a stack somewhere. */
export const MAX_DEPTH = 512;

/** True for bytes of any realm; Buffers are bytes. */
export function isBytes(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array";
}

/** The name of a built-in class, whatever the realm of the value: `Date`, `Map`; `Object` for most others. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** True for the plain objects of this realm, which are most of those there are. */
export function isLiteral(value: object): value is Record<string, unknown> {
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** True for objects that are plain data: from a literal, `JSON.parse` or `Object.create(null)`, in any realm. */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.hasOwn(prototype, "isPrototypeOf");
}

/**
 * True for the names that every object inherits: they are set with {@link defineOwn}, and not simply assigned to. `__proto__`
 * would set the prototype, and `constructor` fails in programs that freeze `Object.prototype`.
 */
export function isInheritedName(key: string): boolean {
  return key in Object.prototype;
}

/** Makes a data property of that name, whatever is inherited. */
export function defineOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Sets a data property, whatever its name. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (isInheritedName(key)) defineOwn(object, key, value);
  else object[key] = value;
}
