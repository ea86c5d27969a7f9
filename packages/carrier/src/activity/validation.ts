import { toWellFormed } from "../payload/text.js";
import { brand, brandOf } from "../protocol/brand.js";
import type { SchemaIssue, StandardSchema } from "./standard-schema.js";

/** One thing that a schema did not accept. */
export interface ValidationIssue {
  /** Keys from the list of arguments, or from the return value, down: `[0, "cents"]`. */
  readonly path: readonly (string | number)[];
  /** The validator's own words, which may quote the value. */
  readonly message: string;
}

/** Beyond these, a list of issues is cut: it must fit where failures are stored. */
const MOST_ISSUES = 50;
const LONGEST_MESSAGE = 1000;

/** `failure.type` of a task whose arguments its activity's schemas did not accept. */
export const ARGUMENT_VALIDATION_FAILURE = "ArgumentValidationFailure";

/** What a definition's schema did not accept. The task fails as a decode failure, and is not retried. */
export class ActivityValidationError extends Error {
  override readonly name: typeof ARGUMENT_VALIDATION_FAILURE | "ResultValidationFailure";
  /** Every issue, in the schema's order; at most 50. */
  readonly issues: readonly ValidationIssue[];

  constructor(what: "arguments" | "result", issues: readonly ValidationIssue[]) {
    const shown = issues.slice(0, MOST_ISSUES);
    const subject = what === "arguments" ? "The arguments do" : "The return value does";
    super(`${subject} not validate: ${shown.map(describeIssue).join("; ")}`);
    this.name = what === "arguments" ? ARGUMENT_VALIDATION_FAILURE : "ResultValidationFailure";
    this.issues = shown;
    brand(this, "ActivityValidationError");
  }
}

/** True for an {@link ActivityValidationError} of any copy of this library. */
export function isActivityValidationError(error: unknown): error is ActivityValidationError {
  return brandOf(error) === "ActivityValidationError";
}

/**
 * The arguments as the schemas make them, one schema for each. A missing argument is validated as `undefined`, so that an
 * optional one may be missing.
 *
 * @throws {ActivityValidationError} naming every issue, and arguments that there is no schema for
 */
export async function validateArguments(
  schemas: readonly StandardSchema[],
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  const results = await Promise.all(schemas.map(async (schema, index) => schema["~standard"].validate(args[index])));
  const issues = results.flatMap((result, index) => (result.issues ?? []).map((issue) => toIssue(issue, [index])));
  for (let index = schemas.length; index < args.length; index++) {
    issues.push({ path: [index], message: `There is no such argument: the activity takes ${schemas.length}.` });
  }
  if (issues.length > 0) throw new ActivityValidationError("arguments", issues);
  return results.map((result) => (result.issues === undefined ? result.value : undefined));
}

/**
 * The return value as the schema makes it.
 *
 * @throws {ActivityValidationError} naming every issue
 */
export async function validateResult(schema: StandardSchema, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  throw new ActivityValidationError(
    "result",
    result.issues.map((issue) => toIssue(issue, [])),
  );
}

function toIssue({ message, path }: SchemaIssue, prefix: readonly number[]): ValidationIssue {
  // Not path.map: validators bring list classes of their own, whose map makes another one of these.
  const keys = Array.from(path ?? [], (segment) => keyOf(typeof segment === "object" ? segment.key : segment));
  return { path: [...prefix, ...keys], message: toWellFormed(message.slice(0, LONGEST_MESSAGE)) };
}

function keyOf(key: PropertyKey): string | number {
  return typeof key === "number" && Number.isSafeInteger(key) ? key : toWellFormed(String(key));
}

function describeIssue({ path, message }: ValidationIssue): string {
  if (path.length === 0) return message;
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return `${place.replace(/^\./, "")}: ${message}`;
}
