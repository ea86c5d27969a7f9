import type { PayloadRefusalReason } from "@durable-workflow/engine-protocol/external-payloads";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { Report } from "../delivery/result-mapping.js";
import type { EngineClient } from "../engine/client.js";
import type { ReportOutcome } from "../engine/outcomes.js";
import { recordableFailure, recordableResult } from "../engine/recordable.js";
import type { Scrubber } from "../net/secrets.js";
import type { StopSignal } from "../time/call-off.js";
import { backoffDelay, type Clock, jittered, pause } from "../time/clock.js";
import { REPORT_REJECTED, standIn } from "./stand-in.js";

/** What became of reporting an attempt's outcome. */
export type ReportEnd =
  | { readonly kind: "recorded"; readonly tries: number; readonly outcome: RecordedOutcome }
  /** Closed by an earlier try of ours whose answer was lost. */
  | { readonly kind: "recorded_before"; readonly tries: number; readonly outcome: RecordedOutcome }
  /** Closed by somebody else, or by the engine itself. */
  | { readonly kind: "superseded"; readonly reason: string }
  /** The run is closed; nobody waits for the outcome. */
  | { readonly kind: "ignored"; readonly reason: string }
  /** The lease is gone: the engine will hand the task out again. */
  | { readonly kind: "lost"; readonly reason: string };

/** What is on record, which need not be what was to be reported. */
export type RecordedOutcome =
  | { readonly status: "completed" }
  /** `nonRetryable`: null where the engine says a failure of its own. */
  | { readonly status: "failed"; readonly type: string | null; readonly nonRetryable: boolean | null };

export interface ReporterOptions {
  readonly client: Pick<EngineClient, "complete" | "fail">;
  readonly clock: Clock;
  readonly scrubber: Scrubber;
  /** The most that the report of a failure may take, in bytes. Default: what engines take. */
  readonly failureBytes?: number;
  /** Milliseconds until the lease has surely run out. */
  readonly untilSurelyGone: () => number;
  /** Whether the engine takes other calls about this attempt. */
  readonly engineWorks: () => Promise<boolean>;
  /** Gives up when aborted: at the end of a drain. */
  readonly signal: StopSignal;
  /** Uploads the report's payload again, where the engine does not have it any more. Undefined when it cannot be had. */
  readonly renew?: (() => Promise<Report | undefined>) | undefined;
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
/** An upload that no report named in time is removed. */
const PAYLOAD_GONE: ReadonlySet<string | null> = new Set([
  "external_payload_expired",
  "external_payload_not_found",
] satisfies PayloadRefusalReason[]);
const MOST_RENEWALS = 3;
/** Once one report was refused in that way, so many are enough for the next. */
const SUSPECT_AGAIN_AFTER = 2;
/** The last try is made so long before the lease has surely run out. */
const LAST_TRY_MS = 500;

/**
 * Reports an outcome, through outages, until the engine has answered or the lease has surely run out: from then on the attempt
 * is the engine's, and nothing is said of it any more. Every try says the same, byte for byte, until the engine refuses it.
 */
export async function reportOutcome(
  task: LeasedTask,
  outcome: Report,
  {
    client,
    clock,
    scrubber,
    failureBytes,
    untilSurelyGone,
    engineWorks,
    signal,
    renew,
    onRetry,
    onRejected,
  }: ReporterOptions,
): Promise<ReportEnd> {
  let report = outcome;
  /** What {@link ReporterOptions.renew} makes anew. */
  let uploaded = outcome;
  let refusals = 0;
  let mayHaveActed = false;
  let errors = 0;
  let renewals = 0;
  const next = (refusal: { readonly status: number; readonly message: string }): boolean => {
    const instead = standIn(outcome, refusals + 1, refusal);
    if (instead === undefined) return false;
    refusals++;
    onRejected?.(refusal.message, refusal.status);
    report = instead;
    prepared = prepare(report);
    return true;
  };
  // Credentials that come into use meanwhile must not make the next try another report.
  const prepare = (toSend: Report): { readonly send: () => Promise<ReportOutcome>; readonly type: string | null } => {
    if (toSend.kind === "complete") {
      const result = recordableResult(toSend.result, scrubber);
      return { send: () => client.complete(task, result), type: null };
    }
    const failure = recordableFailure(toSend.failure, scrubber, failureBytes);
    return { send: () => client.fail(task, failure), type: failure.type ?? null };
  };
  let prepared = prepare(report);
  for (let tries = 1; ; tries++) {
    if (untilSurelyGone() <= 0) return { kind: "lost", reason: "lease_expired" };
    const { type } = prepared;
    const answer = await prepared.send();
    if ("reason" in answer && PAYLOAD_GONE.has(answer.reason) && renewals < MOST_RENEWALS && report === uploaded) {
      renewals++;
      const renewed = await renew?.();
      if (renewed !== undefined) {
        report = uploaded = renewed;
        prepared = prepare(report);
        continue;
      }
    }
    switch (answer.kind) {
      case "recorded":
        return { kind: "recorded", tries, outcome: recordedOf(report, type, answer.asFailure) };
      case "closed":
        return answer.byUs === true || (mayHaveActed && answer.byUs === null)
          ? { kind: "recorded_before", tries, outcome: recordedOf(report, type, false) }
          : { kind: "superseded", reason: "stale_attempt" };
      case "ignored":
        return { kind: "ignored", reason: answer.reason };
      case "lost":
        return { kind: "lost", reason: answer.reason };
      case "rejected":
        if (next(answer)) continue;
        return { kind: "lost", reason: `rejected: ${answer.message}` };
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
    if (status !== null && errors >= (refusals === 0 ? SUSPECT_AFTER : SUSPECT_AGAIN_AFTER)) {
      const message = `every one of ${errors} tries was ${unavailable ? "a server error" : "refused"}`;
      if ((await engineWorks()) && next({ status, message })) {
        errors = 0;
        continue;
      }
    }
    const wanted = Math.max(
      backoffDelay(tries, FIRST_RETRY_MS, LONGEST_RETRY_MS),
      unavailable ? (answer.retryAfterMs ?? 0) : LONGEST_RETRY_MS,
    );
    let delayMs = jittered(wanted);
    if (delayMs >= left - LAST_TRY_MS) {
      if (left <= 2 * LAST_TRY_MS) return { kind: "lost", reason: "lease_expired" };
      delayMs = left - LAST_TRY_MS;
    }
    onRetry?.(unavailable ? answer.why : answer.message, delayMs, tries);
    await pause(clock, delayMs, signal);
  }
}

/** @param asFailure whether the engine says that it has recorded a failure, whatever it was sent */
function recordedOf(report: Report, type: string | null, asFailure: boolean): RecordedOutcome {
  if (report.kind === "fail") return { status: "failed", type, nonRetryable: report.failure.non_retryable };
  return asFailure ? { status: "failed", type: REPORT_REJECTED, nonRetryable: null } : { status: "completed" };
}
