import type { FailureReport } from "@durable-workflow/engine-protocol/worker";
import type { Report } from "../delivery/result-mapping.js";
import { excerpt } from "../engine/recordable.js";

/** `type` of the failure that stands for a report that the engine refused, where the report itself has none that is safe. */
export const REPORT_REJECTED = "ReportRejected";

/** Why an engine did not take a report. */
export interface Refusal {
  readonly status: number;
  /** The engine's own word. It may quote what it refuses. */
  readonly message: string;
}

const LONGEST_WHY = 300;

/**
 * What may be reported in place of what the engine has refused, one after the other: a failure without details and stack;
 * then a failure that says why; then one of fixed ASCII text, which has nothing that could be refused. None of the last two
 * quotes what was refused, and all keep whether the activity may be retried.
 *
 * @param refusals how many reports were refused, from 1
 * @returns undefined when there is nothing more to try
 */
export function standIn(original: Report, refusals: number, { status, message }: Refusal): Report | undefined {
  const why = excerpt(message, LONGEST_WHY);
  const candidates: FailureReport[] = [];
  if (original.kind === "fail") {
    const { stack_trace: stack, details, ...failure } = original.failure;
    if (details !== null || stack !== undefined) {
      const note = `(Without its details, which the engine does not accept (${status}): ${why})`;
      candidates.push({ ...failure, message: `${failure.message} ${note}`, details: null });
    }
  }
  const what = original.kind === "complete" ? "result" : "failure";
  candidates.push(
    rejected(original, `The engine does not accept the ${what} (${status}): ${why}`),
    rejected(original, `The engine did not accept the ${what} of the activity. It is left out here.`),
  );
  const failure = candidates[refusals - 1];
  return failure === undefined ? undefined : { kind: "fail", failure };
}

function rejected(original: Report, message: string): FailureReport {
  const retryable = original.kind === "fail" && original.failure.retryable;
  return {
    message,
    type: typeOf(original),
    kind: "application",
    cancelled: false,
    malformed_output: false,
    retryable,
    non_retryable: !retryable,
    details: null,
  };
}

/** Retry policies name types: one that cannot have been what was refused stays. */
function typeOf(original: Report): string {
  const type = original.kind === "fail" ? original.failure.type : undefined;
  return type !== undefined && /^[A-Za-z][\w.:-]{0,99}$/.test(type) ? type : REPORT_REJECTED;
}
