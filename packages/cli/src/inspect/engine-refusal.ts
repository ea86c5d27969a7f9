import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { isReason, LEASE_GONE, numberAt, reasonExplained, textAt } from "@durable-workflow/engine-protocol";
import { PAYLOAD_ERROR_SCHEMA, readPayloadError } from "@durable-workflow/engine-protocol/external-payloads";
import { everywhere, facts, type Inspection, inspection, type Prospect } from "./inspection.js";

/** Whether a document is an engine's refusal: it has a reason that engines give, and says in words what is wrong. */
export function isEngineRefusal(document: JsonObject): boolean {
  if (document["schema"] === PAYLOAD_ERROR_SCHEMA) return true;
  const reason = textAt(document, "reason");
  const isTold = typeof document["message"] === "string" || typeof document["error"] === "string";
  return reason !== undefined && isReason(reason) && isTold && document["task"] === undefined;
}

/** What an engine answers instead of what was asked for. */
export function inspectEngineRefusal(document: JsonObject): Inspection {
  const reason = textAt(document, "reason") ?? "";
  const payload = readPayloadError(document);
  const why = reasonExplained(reason);
  const isRetryable = payload?.retryable ?? document["retryable"] === true;
  return inspection({
    kind: "engine_refusal",
    title: payload === undefined ? "an engine's refusal" : "an engine's refusal of a payload",
    facts: facts(
      ["reason", reason],
      ["message", payload?.message ?? textAt(document, "message") ?? textAt(document, "error")],
      ["status", numberAt(document, "status")],
      ["operation", textAt(document, "operation")],
      ["retryable", isRetryable],
      ["again after", seconds(numberAt(document, "retry_after_seconds"))],
      ["task", textAt(document, "task_id")],
      ["attempt id", textAt(document, "activity_attempt_id")],
    ),
    notes: [
      why === undefined ? `this version does not know the reason ${reason}` : `the reason means: ${why}`,
      ...(document["outcome"] === "unknown" ? ["what was asked for may have happened, or not"] : []),
    ],
    prospect: prospectOf(document, reason, isRetryable),
  });
}

function seconds(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count} s`;
}

function prospectOf(document: JsonObject, reason: string, isRetryable: boolean): Prospect {
  if (document["outcome"] === "unknown") {
    return everywhere(null, [
      "A dispatcher sends the same bytes again until it is told, and never runs the task twice.",
    ]);
  }
  if (LEASE_GONE.has(reason)) {
    return everywhere("ignored", [
      "The lease is not held any more: a dispatcher stops the attempt, and drops its result.",
    ]);
  }
  return everywhere("ignored", [
    isRetryable
      ? "Nothing is recorded. The same request may succeed later."
      : "Nothing is recorded, and the same request is refused again.",
  ]);
}
