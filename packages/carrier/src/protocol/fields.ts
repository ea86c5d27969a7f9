/** Readers for untrusted JSON documents. Each checks one field, reports what is wrong with its path, and allocates nothing when all is well. */

import { describeReceived } from "./describe-received.js";
import { isObject, type JsonObject } from "./json-object.js";
import { recordableText } from "./recordable-text.js";

export { describeReceived, isObject, type JsonObject };

/** One thing wrong with a document. */
export interface ContractViolation {
  /** Where, as in `task.attempt`; empty for the document itself. */
  readonly path: string;
  /** What was expected there. */
  readonly expected: string;
  /** What was found, by type; values are shown only where they are numbers, booleans or null. */
  readonly received: string;
}

/** Takes a violation: either throws, or collects it so that reading goes on. */
export type Violate = (path: string, expected: string, received: string) => void;

/** An object without fields. */
export const NOTHING: JsonObject = /* @__PURE__ */ Object.freeze({});

/** Shows a wrong text where the contract has names and versions of its own: that helps and reveals nothing. */
export function quoteReceived(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(recordableText(value, 80)) : describeReceived(value);
}

export function violationMessage(violation: ContractViolation): string {
  return `${violation.path === "" ? "the document" : violation.path} must be ${violation.expected}, got ${violation.received}`;
}

/** Reads one field: the value, if it is of the kind, else it tells of the violation and goes on with the fallback. */
export type FieldReader<T> = (value: unknown, path: string, violate: Violate) => T;

function reader<T>(expected: string, fits: (value: unknown) => boolean, fallback: T): FieldReader<T> {
  return (value, path, violate) => {
    if (fits(value)) return value as T;
    violate(path, expected, describeReceived(value));
    return fallback;
  };
}

const isString = (value: unknown): boolean => typeof value === "string";

export const readObject: FieldReader<JsonObject> = /* @__PURE__ */ reader("an object", isObject, NOTHING);
export const readNullableObject: FieldReader<JsonObject | null> = /* @__PURE__ */ reader(
  "an object or null",
  (value) => value === null || isObject(value),
  null,
);
export const readList: FieldReader<readonly unknown[]> = /* @__PURE__ */ reader("a list", Array.isArray, []);
export const readString: FieldReader<string> = /* @__PURE__ */ reader("a string", isString, "");
export const readNullableString: FieldReader<string | null> = /* @__PURE__ */ reader(
  "a string or null",
  (value) => value === null || isString(value),
  null,
);
export const readBoolean: FieldReader<boolean> = /* @__PURE__ */ reader(
  "a boolean",
  (value) => typeof value === "boolean",
  false,
);

/** An integer that a double holds exactly: a larger one has already lost its last digits in JSON.parse. */
export function readInteger(value: unknown, minimum: number, path: string, violate: Violate): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= minimum) return value;
  const least = minimum === Number.MIN_SAFE_INTEGER ? "" : ` >= ${minimum}`;
  violate(path, `an integer${least}`, describeReceived(value));
  return minimum;
}

export function readLiteral<T extends string | number>(value: unknown, literal: T, path: string, violate: Violate): T {
  if (value !== literal) {
    violate(path, JSON.stringify(literal), quoteReceived(value));
  }
  return literal;
}

export function readOneOf<T extends string>(
  value: unknown,
  allowed: readonly [T, ...T[]],
  path: string,
  violate: Violate,
): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  violate(path, `one of ${allowed.join(", ")}`, quoteReceived(value));
  return allowed[0];
}

/** Collects every violation instead of stopping at the first. */
export function collectViolations(read: (violate: Violate) => void): readonly ContractViolation[] {
  const violations: ContractViolation[] = [];
  read((path, expected, received) => {
    violations.push({ path, expected, received });
  });
  return violations;
}
