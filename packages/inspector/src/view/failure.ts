import { isObject, LONGEST_NAME } from "@durable-workflow/engine-protocol";
import { type DescribedFailure, retryAfterFailure } from "@durable-workflow/engine-protocol/control";
import type { Failure } from "../api/index.js";
import { cutText } from "../text.js";
import { payloadOf, toldOf } from "./payload.js";

const LONGEST_MESSAGE = 8_000;
const LONGEST_STACK = 64_000;
const TIMEOUTS = ["schedule_to_start", "start_to_close", "schedule_to_close", "heartbeat"] as const;

export interface FailureScope {
  readonly attempt: number;
  readonly maxAttempts: number | null;
  readonly nonRetryableErrorTypes: readonly string[];
}

/** Why an attempt failed, and whether another one may follow, and why. */
export function failureOf(told: DescribedFailure, scope: FailureScope): Failure {
  const { message, stack_trace: stackTrace } = told;
  const details = detailsOf(told.details);
  return {
    type: told.type === null ? null : cutText(told.type, LONGEST_NAME),
    message: cutText(message, LONGEST_MESSAGE),
    stackTrace: stackTrace === null ? null : cutText(stackTrace, LONGEST_STACK),
    isCut: message.length > LONGEST_MESSAGE || (stackTrace?.length ?? 0) > LONGEST_STACK,
    ...verdictOf(told, scope),
    timeout: TIMEOUTS.find((kind) => kind === told.timeout_type) ?? null,
    code:
      told.code === undefined || told.code === 0 || told.code === "" ? null : cutText(String(told.code), LONGEST_NAME),
    details,
  };
}

function verdictOf(
  { type, non_retryable: nonRetryable, timeout_type: timeout }: DescribedFailure,
  { attempt, maxAttempts, nonRetryableErrorTypes }: FailureScope,
): Pick<Failure, "retryable" | "why"> {
  if (timeout === "schedule_to_close" || timeout === "schedule_to_start") {
    return {
      retryable: false,
      why: `The ${timeout.replaceAll("_", "-")} deadline ends the activity: no attempt follows.`,
    };
  }
  const rule = { maxAttempts: maxAttempts ?? Number.POSITIVE_INFINITY, backoffSeconds: [], nonRetryableErrorTypes };
  const decision = retryAfterFailure(rule, attempt, { nonRetryable, type });
  if (decision.retries) {
    const of = maxAttempts === null ? "; how many there may be is not known" : ` of ${maxAttempts}`;
    return { retryable: true, why: `Attempt ${attempt}${of}: it may be tried again.` };
  }
  switch (decision.because) {
    case "non_retryable":
      return { retryable: false, why: "The handler said that it must not be tried again." };
    case "non_retryable_type":
      return {
        retryable: false,
        why: `${cutText(type ?? "", LONGEST_NAME)} is one of the activity's non-retryable error types.`,
      };
    case "attempts_used":
      return {
        retryable: false,
        why: maxAttempts === 1 ? "The only attempt is used up." : `All ${maxAttempts ?? attempt} attempts are used up.`,
      };
  }
}

/** An envelope, or any JSON, as the worker sent it. */
function detailsOf(details: unknown): Failure["details"] {
  if (details === null || details === undefined) return null;
  const isEnvelope =
    isObject(details) && ("blob" in details || "external_payload" in details || "external_storage" in details);
  if (isEnvelope) return payloadOf(toldOf(details));
  const json = JSON.stringify(details, null, 2);
  const whole = json.length <= 65_536;
  return {
    state: whole ? "value" : "large",
    codec: null,
    sizeBytes: Buffer.byteLength(json),
    sha256: null,
    referenceId: null,
    json: whole ? json : null,
    problem: null,
  };
}
