import { isObject, LONGEST_NAME, LONGEST_STOP_REASON } from "@durable-workflow/engine-protocol";
import type { ActionName, ActionRequest, ActivityOptions } from "../api/index.js";
import { Problem } from "../problem.js";

const LONGEST_INPUT = 8 * 1024 * 1024;

const FIELDS: Readonly<
  Record<ActionName, { readonly required: readonly string[]; readonly optional: readonly string[] }>
> = {
  cancel: { required: ["id"], optional: ["runId", "reason"] },
  terminate: { required: ["id"], optional: ["runId", "reason"] },
  start_again: { required: ["id"], optional: ["runId", "newId", "input", "queue"] },
  start: { required: ["type", "queue"], optional: ["id", "businessKey", "input", "options"] },
  drain_queue: { required: ["queue"], optional: [] },
  resume_queue: { required: ["queue"], optional: [] },
};

const LONGEST: Readonly<Record<string, number>> = { reason: LONGEST_STOP_REASON, input: LONGEST_INPUT };

/**
 * Reads what is to be done. A field that is not known is refused: it might be meant to hold something back.
 *
 * @throws {Problem} `bad_request`, naming the field
 */
export function readAction(document: unknown): ActionRequest {
  if (!isObject(document)) throw refused("", "the body must be a JSON object");
  const { action, dryRun } = document;
  const fields = Object.hasOwn(FIELDS, String(action)) ? FIELDS[action as ActionName] : undefined;
  if (fields === undefined) throw refused("action", `action must be one of ${Object.keys(FIELDS).join(", ")}`);
  if (dryRun !== undefined && typeof dryRun !== "boolean") throw refused("dryRun", "dryRun must be true or false");
  const known = new Set(["action", "dryRun", ...fields.required, ...fields.optional]);
  for (const [name, value] of Object.entries(document)) {
    if (!known.has(name)) throw refused(name, `${name} is no field of the action ${String(action)}`);
    if (name === "options") readOptions(value);
    else if (name !== "dryRun" && (typeof value !== "string" || value.length > (LONGEST[name] ?? LONGEST_NAME))) {
      throw refused(name, `${name} must be text of at most ${LONGEST[name] ?? LONGEST_NAME} characters`);
    }
  }
  for (const name of fields.required) {
    if (document[name] === undefined || document[name] === "") throw refused(name, `${name} must be given`);
  }
  return document as unknown as ActionRequest;
}

const NUMBERS = new Set([
  "maxAttempts",
  "startToCloseSeconds",
  "scheduleToStartSeconds",
  "scheduleToCloseSeconds",
  "heartbeatSeconds",
]);

function readOptions(given: unknown): asserts given is Partial<ActivityOptions> {
  if (!isObject(given)) throw refused("options", "options must be an object");
  for (const [name, value] of Object.entries(given)) {
    const path = `options.${name}`;
    if (NUMBERS.has(name)) {
      if (value !== null && (!Number.isInteger(value) || (value as number) < 1)) {
        throw refused(path, `${path} must be a whole number from 1 on, or null`);
      }
    } else if (name === "backoffSeconds") {
      if (!isListOf(value, (item) => Number.isInteger(item) && (item as number) >= 0)) {
        throw refused(path, `${path} must be a list of whole numbers from 0 on`);
      }
    } else if (name === "nonRetryableErrorTypes") {
      if (!isListOf(value, (item) => typeof item === "string" && item !== "" && item.length <= LONGEST_NAME)) {
        throw refused(path, `${path} must be a list of names`);
      }
    } else throw refused(path, `${path} is no option of an activity`);
  }
}

function isListOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= 1000 && value.every(fits);
}

function refused(field: string, message: string): Problem {
  return new Problem("bad_request", message, { field: field === "" ? null : field });
}
