import type { ContractViolation, JsonObject } from "@durable-workflow/carrier/protocol";
import { redactContext } from "./redact.js";

/** The contract's names for what can be wrong with an executor config. */
export const NAMED_ERRORS = [
  "unreadable_config", // the file cannot be read
  "invalid_json", // it is no JSON document
  "invalid_schema", // a field is missing, unknown or of the wrong type
  "unsupported_version", // a version other than 1
  "unknown_overlay", // the overlay named does not exist
  "unknown_carrier", // a mapping names a carrier that does not exist
  "unknown_auth_ref", // an auth_ref that does not exist
  "unknown_handler", // a handler that the carriers are not known to have
  "duplicate_mapping_name", // two mappings of one name
  "invalid_queue_binding", // no task queue or activity type, or two mappings that claim the same activity
  "missing_invocable_auth_ref", // a target that is not http on loopback, without a credential
  "missing_handler_target", // a mapping without a handler
  "unsupported_carrier_capability", // the carrier does not do what the mapping wants of it
  "invalid_carrier_target", // a carrier's url, command, timeout or retry policy is not allowed
  "invalid_invocable_carrier_scope", // an HTTP carrier for something other than activities
] as const;

/** What can be wrong with an executor config. The last two names are ours, the rest is the contract's. */
export type ConfigErrorCode =
  | (typeof NAMED_ERRORS)[number]
  | "unsupported_carrier_type" // an activity for a kind of carrier that cannot be delivered to
  | "unsupported_auth_ref"; // a kind of credential that is not supported, or one that lacks its fields

/** One thing wrong. Secrets in the context are redacted; paths are shown as base name and SHA-256. */
export interface ConfigError {
  readonly code: ConfigErrorCode;
  readonly message: string;
  readonly context: JsonObject;
  /** Where in the document: `mappings[0].handler`, or by name, as in `carriers.lamps.url`. Empty for the document itself. */
  readonly path: string;
  /** What was expected there; null for what contradicts something else. */
  readonly expected: string | null;
}

/** An error of something that contradicts something else: it is where its context says. */
export function configError(code: ConfigErrorCode, message: string, context: JsonObject = {}): ConfigError {
  return { code, message, context: redactContext(context), path: placeOf(context), expected: null };
}

/** An error of one field by itself. */
export function fieldError(
  code: ConfigErrorCode,
  { path, expected }: Pick<ContractViolation, "path" | "expected">,
  context: JsonObject = {},
): ConfigError {
  const message = `${path === "" ? "the document" : path} must be ${expected}.`;
  return { code, message, context: redactContext(context), path, expected };
}

/** Sections of a config, by the name under which a context names their entries; the first that is there tells the place. */
const SECTIONS = [
  ["mapping", "mappings"],
  ["carrier", "carriers"],
  ["auth_ref", "auth_refs"],
] as const;

function placeOf(context: JsonObject): string {
  const owner = SECTIONS.find(([key]) => typeof context[key] === "string");
  const { field } = context;
  return [
    ...(owner === undefined ? [] : [owner[1], context[owner[0]]]),
    ...(typeof field === "string" ? [field] : []),
  ].join(".");
}

/** An executor config is refused. It lists all that is wrong with it, not only the first. */
export class ExecutorConfigError extends Error {
  override readonly name = "ExecutorConfigError";
  readonly errors: readonly ConfigError[];

  constructor(errors: readonly ConfigError[]) {
    super(
      `The executor config is refused: ${errors
        .map(({ code, message, context }) => `${code}: ${message} ${JSON.stringify(context)}`)
        .join("; ")}`,
    );
    this.errors = errors;
  }
}
