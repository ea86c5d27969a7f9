import { PROGRESS_LIMITS } from "@durable-workflow/carrier/protocol";
import type { Call, JsonObject } from "../http/call.js";
import { type Fields, isObject, storableJson } from "../http/fields.js";
import type { Progress } from "../service/reports.js";

const DETAIL_KEY = new RegExp(`^[A-Za-z0-9_.:-]{1,${PROGRESS_LIMITS.detailKey}}$`);

/**
 * The progress of a heartbeat, within the engine's limits. The engine answers most of what is outside them with a bare
 * 500; here they are named.
 */
export function readProgress(fields: Fields, { body, rawBody }: Pick<Call, "body" | "rawBody">): Progress {
  const message = fields.text(body, "message", { max: PROGRESS_LIMITS.message });
  if (message === "") fields.add("message", "The message field must not be empty.");
  const current = fields.amount(body, "current");
  const total = fields.amount(body, "total");
  const unit = fields.text(body, "unit", { max: PROGRESS_LIMITS.unit });
  if (unit !== undefined && current === undefined && total === undefined) {
    fields.add("unit", "The unit field needs a current or a total field.");
  }
  const details = readDetails(fields, storableJson(body["details"], rawBody));
  return {
    ...(message !== undefined && { message }),
    ...(current !== undefined && { current }),
    ...(total !== undefined && { total }),
    ...(unit !== undefined && { unit }),
    ...(details !== undefined && { details }),
  };
}

function readDetails(fields: Fields, details: unknown): JsonObject | undefined {
  if (details === undefined || details === null) return undefined;
  if (!isObject(details)) return fields.add("details", "The details field must be an array.");
  const entries = Object.entries(details);
  if (entries.length > PROGRESS_LIMITS.details) {
    return fields.add("details", `The details field must not have more than ${PROGRESS_LIMITS.details} items.`);
  }
  for (const [key, value] of entries) {
    if (!DETAIL_KEY.test(key)) {
      return fields.add(
        "details",
        "The keys of the details field must be 1 to 64 letters, digits, '_', '.', ':' or '-'.",
      );
    }
    if ((typeof value === "object" && value !== null) || (typeof value === "number" && !Number.isFinite(value))) {
      return fields.add(`details.${key}`, `The details.${key} field must be a scalar or null.`);
    }
    if (typeof value === "string" && value.length > PROGRESS_LIMITS.detailValue) {
      return fields.add(
        `details.${key}`,
        `The details.${key} field must not be greater than ${PROGRESS_LIMITS.detailValue} characters.`,
      );
    }
  }
  return details;
}
