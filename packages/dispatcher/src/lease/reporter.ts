import type { Report } from "../delivery/result-mapping.js";
import type { EngineClient } from "../engine/client.js";
import type { ReportOutcome } from "../engine/outcomes.js";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { backoffDelay, type Clock, pause } from "../time/clock.js";

/** What became of reporting an attempt's outcome. */
export type ReportEnd =
  | { readonly kind: "recorded"; readonly tries: number }
  /** Closed by an earlier try of ours whose answer was lost. */
  | { readonly kind: "recorded_before"; readonly tries: number }
  /** Closed by somebody else, or by the engine itself. */
  | { readonly kind: "superseded"; readonly reason: string }
  /** The run is closed; nobody waits for the outcome. */
  | { readonly kind: "ignored"; readonly reason: string }
  /** The lease is gone: the engine will hand the task out again. */
  | { readonly kind: "lost"; readonly reason: string };

export interface ReporterOptions {
  readonly client: Pick<EngineClient, "complete" | "fail">;
  readonly clock: Clock;
  /** Milliseconds until the lease has surely run out. */
  readonly untilSurelyGone: () => number;
  /** Whether the engine takes other calls about this attempt. */
  readonly engineWorks: () => Promise<boolean>;
  /** Gives up when aborted: at the end of a drain. */
  readonly signal: AbortSignal;
  readonly onRetry?: (why: string, delayMs: number, tries: number) => void;
  /** The engine does not take what was to be reported; a failure that says so is reported instead. */
  readonly onRejected?: (message: string, status: number) => void;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;
/** So many errors in a row that are no outage, and nothing else, make a result suspect. */
const SUSPECT_AFTER = 8;
/** Statuses that say "later", or that the engine was not reached. */
const OUTAGES: ReadonlySet<number | null> = new Set([null, 429, 502, 503, 504]);
/** `type` of the failure that stands for what the engine does not accept. */
const REPORT_REJECTED = "ReportRejected";

/**
 * Reports an outcome, through outages, until the engine has answered or the lease has surely run out. A lease that has run
 * out may still be accepted as long as nobody else has it, so that the last try comes at its end, not before.
 */
export async function reportOutcome(
  task: LeasedTask,
  outcome: Report,
  { client, clock, untilSurelyGone, engineWorks, signal, onRetry, onRejected }: ReporterOptions,
): Promise<ReportEnd> {
  let report = outcome;
  let mayHaveActed = false;
  let errors = 0;
  for (let tries = 1; ; tries++) {
    const answer: ReportOutcome =
      report.kind === "complete" ? await client.complete(task, report.result) : await client.fail(task, report.failure);
    switch (answer.kind) {
      case "recorded":
        return { kind: "recorded", tries };
      case "closed":
        return answer.byUs === true || (mayHaveActed && answer.byUs === null)
          ? { kind: "recorded_before", tries }
          : { kind: "superseded", reason: "stale_attempt" };
      case "ignored":
        return { kind: "ignored", reason: answer.reason };
      case "lost":
        return { kind: "lost", reason: answer.reason };
      case "rejected": {
        const next = acceptableInstead(report, answer);
        if (next === undefined) return { kind: "lost", reason: `rejected: ${answer.message}` };
        onRejected?.(answer.message, answer.status);
        report = next;
        continue;
      }
      case "unavailable":
      case "refused":
        break;
    }
    const unavailable = answer.kind === "unavailable";
    mayHaveActed ||= unavailable && answer.mayHaveActed;
    const left = untilSurelyGone();
    if (left <= 0) return { kind: "lost", reason: "lease_expired" };
    if (signal.aborted) return { kind: "lost", reason: "given_up" };
    const { status } = answer;
    errors = OUTAGES.has(status) ? 0 : errors + 1;
    // An engine, or a proxy, that fails on this report alone would never let it pass.
    if (status !== null && errors >= SUSPECT_AFTER) {
      const message = `every one of ${errors} tries was ${unavailable ? "a server error" : "refused"}`;
      const next = acceptableInstead(report, { status, message });
      if (next !== undefined && (await engineWorks())) {
        onRejected?.(message, status);
        report = next;
        errors = 0;
        continue;
      }
    }
    const wanted = Math.max(
      backoffDelay(tries, FIRST_RETRY_MS, LONGEST_RETRY_MS),
      unavailable ? (answer.retryAfterMs ?? 0) : LONGEST_RETRY_MS,
    );
    const delayMs = Math.min(wanted, left);
    onRetry?.(unavailable ? answer.why : answer.message, delayMs, tries);
    await pause(clock, delayMs, signal);
  }
}

/**
 * What the engine may take in place of what it has refused. A failure goes without its details first, as retry policies
 * know failures by their type; then, as a result at once, it becomes a bare failure that says what happened.
 */
function acceptableInstead(
  report: Report,
  { status, message }: Pick<Extract<ReportOutcome, { kind: "rejected" }>, "status" | "message">,
): Report | undefined {
  if (report.kind === "fail") {
    const { failure } = report;
    if (failure.type === REPORT_REJECTED) return undefined;
    if (failure.details !== null) {
      const why = `(Without its details, which the engine does not accept (${status}): ${message})`;
      return { kind: "fail", failure: { ...failure, message: `${failure.message} ${why}`, details: null } };
    }
  }
  return rejectedReport(report, status, message);
}

function rejectedReport(report: Report, status: number, message: string): Report {
  const what = report.kind === "complete" ? "result" : "failure";
  const original = report.kind === "fail" ? ` It was: ${report.failure.message.slice(0, 500)}` : "";
  const retryable = report.kind === "fail" && report.failure.retryable;
  return {
    kind: "fail",
    failure: {
      message: `The engine does not accept the ${what} (${status}): ${message}${original}`,
      type: REPORT_REJECTED,
      kind: "application",
      cancelled: false,
      malformed_output: false,
      retryable,
      non_retryable: !retryable,
      details: null,
    },
  };
}
