import {
  type ExternalTaskResult,
  externalTaskResultViolations,
  isCodecTagged,
  type JsonObject,
  parseExternalTaskResult,
} from "@durable-workflow/carrier/protocol";
import type { RetryRule } from "@durable-workflow/engine-protocol/control";
import type { Violation } from "../report/violation.js";
import {
  everywhere,
  facts,
  type Inspection,
  inspection,
  type PayloadReport,
  type Prospect,
  violationsAt,
} from "./inspection.js";
import { examinePayload, payloadsAt } from "./payload.js";
import { failureProspect } from "./prospect.js";

/** A result envelope, and what the engine does once a dispatcher has reported it. */
export function inspectTaskResult(document: JsonObject, now: number, policy: RetryRule | null | undefined): Inspection {
  const envelope = externalTaskResultViolations(document);
  const payloads: PayloadReport[] = [];
  const violations: Violation[] = [...violationsAt("", envelope)];
  const notes: string[] = [];
  const take = (found: ReturnType<typeof payloadsAt>): void => {
    payloads.push(...found.payloads);
    violations.push(...found.violations);
    notes.push(...found.notes);
  };
  take(payloadsAt(document, ["result", "payload"], now));
  if (envelope.length > 0) {
    return inspection({
      kind: "task_result",
      title: "a task result",
      violations,
      notes,
      payloads,
      prospect: MALFORMED,
    });
  }
  const result = parseExternalTaskResult(document);
  if (result.failed && result.failure.details !== null) take(detailsOf(result.failure.details, now));
  return inspection({
    kind: "task_result",
    title: `a task result (${TITLES[result.kind]})`,
    violations,
    notes: [...notes, ...notesOn(result)],
    facts: factsOf(result),
    payloads,
    prospect: prospectOf(result, policy),
  });
}

const TITLES = { success: "success", failure: "failure", malformed_output: "malformed output" } as const;

/** Untagged details are no payload: a dispatcher that encodes them keeps what an engine would drop. */
function detailsOf(details: JsonObject, now: number): ReturnType<typeof payloadsAt> {
  if (!isCodecTagged(details)) {
    const message = "must be null, or tagged with a codec: the engine drops other details";
    return { payloads: [], notes: [], violations: [{ path: "failure.details", message, code: null }] };
  }
  const { payload, violations, notes } = examinePayload(details, "failure.details", now);
  return { payloads: [payload], violations, notes };
}

function factsOf(result: ExternalTaskResult): Inspection["facts"] {
  const { task, metadata } = result;
  const failure = result.failed ? result.failure : undefined;
  return facts(
    ["task", task.id],
    ["kind", task.kind],
    ["attempt", task.attempt],
    ["idempotency key", task.idempotencyKey],
    ["failure", failure && `${failure.kind} / ${failure.classification}`],
    ["type", failure?.type],
    ["message", failure?.message],
    ["timeout type", failure?.timeoutType],
    ["retryable", failure && result.retryable],
    ["stack trace", failure?.stackTrace],
    ["handler", metadata.handler],
    ["carrier", metadata.carrier],
    ["duration", metadata.durationMs === null ? undefined : `${metadata.durationMs} ms`],
    ["raw output", result.kind === "malformed_output" ? JSON.stringify(result.rawOutput) : undefined],
  );
}

function notesOn(result: ExternalTaskResult): readonly string[] {
  const notes: string[] = [];
  if (result.failed && result.failure.message.trim() === "") {
    notes.push("failure.message is empty: the engine refuses a report without one, and a dispatcher writes its own");
  }
  if (result.kind === "malformed_output") {
    notes.push("written by whoever called a handler that gave no valid envelope, not by the handler");
  }
  if (result.failed && result.cancelled) {
    notes.push("cancelled has no influence on retries; that it is not retryable has");
  }
  return notes;
}

const MALFORMED = everywhere("failed", [
  "A dispatcher that gets this from a carrier reports malformed_output, as non_retryable.",
  "The activity fails for good: running it again would not change the carrier.",
]);

/** As a dispatcher reports it: details always there, `retryable: false` as `non_retryable: true`. */
export function prospectOf(result: ExternalTaskResult, policy: RetryRule | null | undefined): Prospect {
  if (result.succeeded) {
    const explanation = ["A dispatcher completes the attempt with this payload, which the engine stores undecoded."];
    return everywhere("completed", explanation);
  }
  const { type } = result.failure;
  const nonRetryable = !result.retryable;
  const decided = failureProspect({ nonRetryable, hasDetails: true, type, attempt: result.task.attempt, policy });
  const how = nonRetryable ? "retryable false, which a dispatcher reports as non_retryable, with details" : "retryable";
  return {
    ...decided,
    explanation: [`The result says ${how}. Kind and classification decide nothing.`, ...decided.explanation],
  };
}
