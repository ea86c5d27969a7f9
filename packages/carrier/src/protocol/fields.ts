/** Readers for untrusted JSON documents. Each checks one field, reports what is wrong with its path, and allocates nothing when all is well. */

import { recordableText } from "./recordable-text.js";

export type JsonObject = Readonly<Record<string, unknown>>;

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

const NOTHING: JsonObject = Object.freeze({});

/** Whether a value is a JSON object: neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names a value without giving it away: envelopes carry business data. */
export function describeReceived(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return value === "" ? "an empty string" : "a string";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Shows a wrong text where the contract has names and versions of its own: that helps and reveals nothing. */
function quoteReceived(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(recordableText(value, 80)) : describeReceived(value);
}

export function violationMessage(violation: ContractViolation): string {
  return `${violation.path === "" ? "the document" : violation.path} must be ${violation.expected}, got ${violation.received}`;
}

export function readObject(value: unknown, path: string, violate: Violate): JsonObject {
  if (isObject(value)) return value;
  violate(path, "an object", describeReceived(value));
  return NOTHING;
}

export function readNullableObject(value: unknown, path: string, violate: Violate): JsonObject | null {
  if (value === null || isObject(value)) return value;
  violate(path, "an object or null", describeReceived(value));
  return null;
}

export function readList(value: unknown, path: string, violate: Violate): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  violate(path, "a list", describeReceived(value));
  return [];
}

export function readString(value: unknown, path: string, violate: Violate): string {
  if (typeof value === "string") return value;
  violate(path, "a string", describeReceived(value));
  return "";
}

export function readNullableString(value: unknown, path: string, violate: Violate): string | null {
  if (value === null || typeof value === "string") return value;
  violate(path, "a string or null", describeReceived(value));
  return null;
}

export function readBoolean(value: unknown, path: string, violate: Violate): boolean {
  if (typeof value === "boolean") return value;
  violate(path, "a boolean", describeReceived(value));
  return false;
}

/** An integer that a double holds exactly: a larger one has already lost its last digits in JSON.parse. */
export function readInteger(value: unknown, minimum: number, path: string, violate: Violate): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= minimum) return value;
  violate(
    path,
    minimum === Number.MIN_SAFE_INTEGER ? "an integer" : `an integer >= ${minimum}`,
    describeReceived(value),
  );
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
