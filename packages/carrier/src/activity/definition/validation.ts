import { brand } from "../../protocol/brand.js";
import { describeReceived } from "../../protocol/fields.js";
import { clip, LONGEST_MESSAGE } from "../clip.js";
import type {
  ActivityInput,
  ArgumentListSchema,
  ArgumentSchemas,
  SchemaIssue,
  StandardSchema,
} from "./standard-schema.js";

/** One thing that a schema did not accept. */
export interface ValidationIssue {
  /**
   * Keys from the list of arguments, or from the return value, down: `[0, "cents"]`. At most 20, then a text that says how
   * many there are below; long keys are cut.
   */
  readonly path: readonly (string | number)[];
  /** The validator's own words, which may quote the value. */
  readonly message: string;
}

/** Beyond these, a list of issues is cut: keys are the sender's, and a failure must fit where it is stored. */
const MOST_ISSUES = 50;
const LONGEST_ISSUE = 1000;
const LONGEST_KEY = 200;
const DEEPEST_PATH = 20;

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
    super(clip(`${subject} not validate: ${shown.map(describeIssue).join("; ")}`, LONGEST_MESSAGE));
    this.name = what === "arguments" ? ARGUMENT_VALIDATION_FAILURE : "ResultValidationFailure";
    this.issues = shown;
    brand(this, "ActivityValidationError");
  }
}

/**
 * The arguments as the schemas make them: one schema for each, or one for their list. Where each has its own, a missing
 * argument is validated as `undefined`, so that an optional one may be missing.
 *
 * @throws {ActivityValidationError} naming every issue, and arguments that there is no schema for
 * @throws {TypeError} when a schema of the list makes something else of it
 */
export async function validateArguments(
  activityType: string,
  input: ActivityInput,
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  return "~standard" in input ? validateList(activityType, input, args) : validateEach(input, args);
}

async function validateEach(schemas: ArgumentSchemas, args: readonly unknown[]): Promise<readonly unknown[]> {
  const results = await Promise.all(schemas.map(async (schema, index) => schema["~standard"].validate(args[index])));
  const issues = results.flatMap((result, index) => toIssues(result.issues, [index]));
  for (let index = schemas.length; index < args.length; index++) {
    issues.push({ path: [index], message: `There is no such argument: the activity takes ${schemas.length}.` });
  }
  if (issues.length > 0) throw new ActivityValidationError("arguments", issues);
  return results.map((result) => (result.issues === undefined ? result.value : undefined));
}

async function validateList(
  activityType: string,
  schema: ArgumentListSchema,
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  const result = await schema["~standard"].validate(args);
  if (result.issues !== undefined) throw new ActivityValidationError("arguments", toIssues(result.issues, []));
  const accepted: unknown = result.value;
  if (Array.isArray(accepted)) return accepted;
  const made = `makes ${describeReceived(accepted)} of the list of arguments`;
  throw new TypeError(`the input of ${activityType} ${made}: it must make a list, as a tuple schema does`);
}

/**
 * The return value as the schema makes it.
 *
 * @throws {ActivityValidationError} naming every issue
 */
export async function validateResult(schema: StandardSchema, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  throw new ActivityValidationError("result", toIssues(result.issues, []));
}

/** The first of a schema's issues, below a prefix. */
function toIssues(issues: readonly SchemaIssue[] | undefined, prefix: readonly number[]): ValidationIssue[] {
  if (issues === undefined) return [];
  // Copied first: validators bring list classes of their own, whose map and slice make another one of these.
  const first = Array.from(issues).slice(0, MOST_ISSUES);
  // An empty list is a refusal too, by the interface.
  if (first.length === 0) return [{ path: prefix, message: "The validator refused it without an issue." }];
  return first.map(({ message, path }) => ({
    path: shorten([...prefix, ...(path ?? [])]),
    message: clip(message, LONGEST_ISSUE),
  }));
}

function shorten(path: NonNullable<SchemaIssue["path"]>): readonly (string | number)[] {
  const keys = path.slice(0, DEEPEST_PATH).map((segment) => keyOf(typeof segment === "object" ? segment.key : segment));
  return path.length > DEEPEST_PATH ? [...keys, `... (${path.length - DEEPEST_PATH} more)`] : keys;
}

function keyOf(key: PropertyKey): string | number {
  return typeof key === "number" && Number.isSafeInteger(key) ? key : clip(String(key), LONGEST_KEY);
}

function describeIssue({ path, message }: ValidationIssue): string {
  if (path.length === 0) return message;
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return `${place.replace(/^\./, "")}: ${message}`;
}
