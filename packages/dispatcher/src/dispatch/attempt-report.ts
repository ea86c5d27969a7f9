import { type LeasedTask, willRetry } from "@durable-workflow/engine-protocol/worker";
import type { Report } from "../delivery/result-mapping.js";
import type { EngineClient } from "../engine/client.js";
import type { EventStream, TaskEnd, TaskFacts } from "../events/events.js";
import { type ReportEnd, reportOutcome } from "../lease/reporter.js";
import type { Secrets } from "../net/secrets.js";
import type { StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";

/** How a run ended, with what there is to say about it. */
export interface RunEnd {
  readonly end: TaskEnd;
  readonly detail: string | null;
  /** Whether another attempt follows a failure that is on record; null where that is not known. Default: null. */
  readonly willRetry?: boolean | null;
}

export interface AttemptReportDeps {
  readonly task: LeasedTask;
  readonly facts: TaskFacts;
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly secrets: Secrets;
  /** Milliseconds until nothing may be said of the attempt any more. */
  readonly untilSilence: () => number;
  /** Gives the report up. */
  readonly signal: StopSignal;
}

const HEARTBEAT_PATIENCE_MS = 5_000;

/** What the engine is told of one attempt. */
export class AttemptReport {
  private readonly deps: AttemptReportDeps;

  constructor(deps: AttemptReportDeps) {
    this.deps = deps;
  }

  /** @param renew uploads the report's payload again, where the engine does not have it any more */
  async send(report: Report, renew?: () => Promise<Report | undefined>): Promise<RunEnd> {
    const { task, signal } = this.deps;
    return runEnd(task, await this.record(report, renew), signal.aborted);
  }

  /** Says that the activity has ended as it was asked to. */
  async cancelled(): Promise<void> {
    await this.record({ kind: "fail", failure: CANCELLED });
  }

  private record(report: Report, renew?: () => Promise<Report | undefined>): Promise<ReportEnd> {
    const { task, facts, client, clock, events, secrets, untilSilence, signal } = this.deps;
    return reportOutcome(task, report, {
      client,
      clock,
      scrubber: secrets,
      untilSurelyGone: untilSilence,
      failureBytes: client.failureReportBytes,
      engineWorks: async () => (await client.heartbeat(task, HEARTBEAT_PATIENCE_MS)).kind === "continue",
      signal,
      renew,
      onRetry: (why, retryInMs, tries) => events.emit({ type: "report_retried", task: facts, why, retryInMs, tries }),
      onRejected: (message, status) => events.emit({ type: "report_rejected", task: facts, status, message }),
    });
  }
}

const CANCELLED = {
  message: "The activity was cancelled.",
  type: "ActivityCancelled",
  kind: "cancellation",
  cancelled: true,
  malformed_output: false,
  retryable: false,
  non_retryable: true,
  details: null,
} as const;

/** What was recorded is what is told. */
function runEnd(task: LeasedTask, reported: ReportEnd, abandoned: boolean): RunEnd {
  switch (reported.kind) {
    case "recorded":
    case "recorded_before":
      return reported.outcome.status === "completed"
        ? { end: "completed", detail: null }
        : { end: "failed", detail: reported.outcome.type, willRetry: willRetry(task, reported.outcome) };
    case "superseded":
      return { end: "superseded", detail: reported.reason };
    case "ignored":
      return { end: "cancelled", detail: reported.reason };
    case "lost":
      return { end: abandoned ? "abandoned" : "lost", detail: reported.reason };
  }
}
