import type { JsonValue } from "@durable-workflow/carrier/payload";
import {
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  type ExternalTaskResult,
  parseExternalTaskResult,
} from "@durable-workflow/carrier/protocol";
import { at, isObject, parseJson, textAt } from "@durable-workflow/engine-protocol";
import { identityViolations } from "../inspect/identity.js";
import type { Inspection } from "../inspect/inspection.js";
import { inspectTaskResult } from "../inspect/task-result.js";
import type { Answer } from "../net/exchange.js";
import type { Violation } from "../report/violation.js";

/** What came of a task that was sent to a carrier. */
export interface Outcome {
  /** `succeeded` and `failed`: a valid result for the task. `refused`: no result, as with 400. `invalid`: something else. */
  readonly outcome: "succeeded" | "failed" | "refused" | "invalid";
  readonly status: number;
  readonly durationMs: number;
  /** The decoded return value in the inspection projection; null for none, and where there is no success. */
  readonly value: JsonValue;
  /** Where the return value lies; null where it came with the answer. */
  readonly reference: JsonValue;
  readonly failure: OutcomeFailure | null;
  /** `error` and `message` of a refusal, or the beginning of what came. */
  readonly refusal: { readonly error: string | null; readonly message: string } | null;
  /** Where the answer is not of the contract. */
  readonly violations: readonly Violation[];
  readonly handler: string | null;
  readonly carrier: string | null;
}

export interface OutcomeFailure {
  readonly kind: string;
  readonly classification: string;
  readonly type: string | null;
  readonly message: string;
  readonly retryable: boolean;
  readonly cancelled: boolean;
  readonly timeoutType: string | null;
  /** Decoded, in the inspection projection. */
  readonly details: JsonValue;
  readonly stackTrace: string | null;
}

const LONGEST_PREVIEW = 500;

/** @param task the `task` of the envelope that was sent */
export function outcomeOf(task: unknown, answer: Answer, now: number): Outcome {
  const document = parseJson(answer.body);
  const result = resultOf(document);
  if (answer.status !== 200 && result === undefined) return refused(document, answer);
  const found = inspectTaskResult(isObject(document) ? document : {}, now, undefined);
  const violations = [...httpViolations(answer), ...found.violations, ...identityViolations(task, document)];
  const base = { status: answer.status, durationMs: Math.round(answer.elapsedMs), refusal: null, violations };
  if (result === undefined) {
    const refusal = { error: null, message: answer.body.slice(0, LONGEST_PREVIEW) };
    return { ...base, ...NOTHING, outcome: "invalid", refusal };
  }
  const { handler, carrier } = result.metadata;
  return {
    ...base,
    outcome: violations.length > 0 ? "invalid" : result.succeeded ? "succeeded" : "failed",
    ...NOTHING,
    ...(result.failed ? { failure: failureOf(result, found) } : successOf(document, found)),
    handler,
    carrier,
  };
}

const NOTHING = { value: null, reference: null, failure: null, handler: null, carrier: null } as const;

function refused(document: unknown, { status, elapsedMs, body }: Answer): Outcome {
  const error = textAt(document, "error") ?? null;
  const message = textAt(document, "message") ?? body.slice(0, LONGEST_PREVIEW);
  const durationMs = Math.round(elapsedMs);
  return { ...NOTHING, outcome: "refused", status, durationMs, violations: [], refusal: { error, message } };
}

function resultOf(document: unknown): ExternalTaskResult | undefined {
  try {
    return parseExternalTaskResult(document);
  } catch {
    return undefined;
  }
}

function successOf(document: unknown, found: Inspection): Pick<Outcome, "value" | "reference"> {
  const reference = at(document, "result", "payload", "external_storage");
  return { value: found.payloads[0]?.value ?? null, reference: isObject(reference) ? (reference as JsonValue) : null };
}

function failureOf(result: Extract<ExternalTaskResult, { failed: true }>, found: Inspection): OutcomeFailure {
  const { kind, classification, type, message, cancelled, timeoutType, stackTrace } = result.failure;
  const details = found.payloads.find(({ path }) => path === "failure.details")?.value ?? null;
  return {
    kind,
    classification,
    type,
    message,
    retryable: result.retryable,
    cancelled,
    timeoutType,
    details,
    stackTrace,
  };
}

function httpViolations({ status, headers }: Answer): readonly Violation[] {
  const violations: Violation[] = [];
  if (status !== 200) violations.push({ path: "status", message: `must be 200, got ${status}`, code: null });
  const type = headers["content-type"] ?? "nothing";
  if (!type.toLowerCase().startsWith(EXTERNAL_TASK_RESULT_MEDIA_TYPE)) {
    const message = `must be ${EXTERNAL_TASK_RESULT_MEDIA_TYPE}, got ${type}`;
    violations.push({ path: "content-type", message, code: null });
  }
  return violations;
}
