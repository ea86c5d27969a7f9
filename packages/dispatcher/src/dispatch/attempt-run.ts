import {
  type ActivityMapping,
  type ConfigError,
  type ExecutorConfig,
  mappingDifferences,
  readEngineMapping,
  resolveActivity,
} from "@durable-workflow/engine-protocol/executor-config";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { AbortedDelivery, DeliveryAnswer } from "../delivery/answer.js";
import { type DelivererDeps, deliverTask } from "../delivery/deliverer.js";
import { likelyCause, MALFORMED_OUTPUT, type Report, reportOf } from "../delivery/result-mapping.js";
import { deadlineLeft } from "../delivery/timeouts.js";
import type { EngineClient } from "../engine/client.js";
import type { LeaseGrant } from "../engine/lease-grant.js";
import type { EventStream, TaskEnd, TaskFacts } from "../events/events.js";
import { type LeaseEnd, LeaseKeeper } from "../lease/keeper.js";
import { type ReportEnd, reportOutcome } from "../lease/reporter.js";
import type { Secrets } from "../net/secrets.js";
import type { Payloads } from "../payloads/payloads.js";
import type { Clock } from "../time/clock.js";
import { AttemptPayloads, type ReadyArguments } from "./attempt-payloads.js";
import type { CarrierBreaker } from "./breaker.js";

export interface AttemptRunDeps {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly secrets: Secrets;
  readonly config: ExecutorConfig | undefined;
  readonly deliverer: DelivererDeps;
  readonly payloads: Payloads;
  /** The largest answer of a carrier where the engine has no way of its own for large results. */
  readonly responseLimitBytes: number;
  readonly breaker: CarrierBreaker;
  /** How long the lease lasts, where leases are renewed; null where heartbeats keep it. */
  readonly grant: LeaseGrant | null;
  /** Whether commands are run that only the engine maps. */
  readonly allowEngineCommands: boolean;
  /** Whether tasks are sent to URLs that only the engine maps. */
  readonly allowEngineTargets: boolean;
  /** Whether this dispatcher has registered the task's type. */
  readonly isRegistered: boolean;
  /** True the first time it is told something. */
  readonly isNews: (what: string) => boolean;
  /** Told where the task goes. */
  readonly onCarrier: (mapping: ActivityMapping) => void;
}

/** How a run ended, with what there is to say about it. */
interface RunEnd {
  readonly end: TaskEnd;
  readonly detail: string | null;
}

const HEARTBEAT_PATIENCE_MS = 5_000;

export function taskFacts(task: LeasedTask): TaskFacts {
  const { namespace, taskQueue, taskId, attemptId, attempt, executionId, activityType, workflowId, runId } = task;
  return { namespace, taskQueue, taskId, attemptId, attempt, executionId, activityType, workflowId, runId };
}

/** One leased task, from its lease to its end: delivered, kept alive meanwhile, and reported. */
export class AttemptRun {
  private readonly task: LeasedTask;
  private readonly facts: TaskFacts;
  private readonly deps: AttemptRunDeps;
  /** Of the delivery. */
  private readonly abort = new AbortController();
  /** Of the report, which a delivery that was called off may still need. */
  private readonly givingUp = new AbortController();
  private readonly keeper: LeaseKeeper;
  private readonly payloads: AttemptPayloads;
  /** Let go of what was shown for this attempt alone. */
  private readonly forgetSecrets: (() => void)[] = [];
  private carrier: string | null = null;
  private abandoned = false;
  private reporting = false;

  constructor(task: LeasedTask, deps: AttemptRunDeps) {
    this.task = task;
    this.facts = taskFacts(task);
    this.deps = deps;
    this.keeper = new LeaseKeeper({
      client: deps.client,
      clock: deps.clock,
      task,
      grant: deps.grant,
      onEnd: ({ kind, reason }) => {
        // Once an outcome is on its way, the engine's answer to that says what became of the attempt.
        if (this.reporting) return;
        deps.events.emit({ type: "lease_ended", task: this.facts, kind, reason });
        this.abort.abort();
      },
      onHeartbeat: (outcome) => deps.events.emit({ type: "heartbeat", task: this.facts, outcome: outcome.kind }),
    });
    const { clock, events, secrets, payloads, client } = deps;
    this.payloads = new AttemptPayloads({
      task,
      facts: this.facts,
      payloads,
      clock,
      events,
      scrubber: secrets,
      left: () =>
        Math.min(this.keeper.untilSurelyGone(), deadlineLeft(task, client.serverClock.earliest())?.ms ?? Infinity),
      signal: this.abort.signal,
    });
  }

  /** Calls delivery and report off. The lease runs out, and the engine hands the task out again. */
  abandon(): void {
    this.abandoned = true;
    this.abort.abort();
    this.givingUp.abort();
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { clock, events } = this.deps;
    const startedAt = clock.monotonic();
    events.emit({ type: "task_leased", task: this.facts });
    const { end, detail } = await this.work().catch((error: unknown): RunEnd => {
      // Nothing in there rejects; if something does after all, the lease runs out, and the work of others goes on.
      this.keeper.stop();
      return { end: "lost", detail: error instanceof Error ? error.name : "unknown error" };
    });
    events.emit({
      type: "task_ended",
      task: this.facts,
      carrier: this.carrier,
      end,
      detail,
      durationMs: clock.monotonic() - startedAt,
    });
    for (const forget of this.forgetSecrets) forget();
  }

  private async work(): Promise<RunEnd> {
    // A poll that was repeated may be answered with a lease that ran out meanwhile.
    if (this.keeper.untilSurelyGone() <= 0) return { end: "lost", detail: "lease_expired" };
    const mapping = this.resolve();
    this.keeper.start();
    try {
      const answer = "carrier" in mapping ? await this.fetchAndDeliver(mapping) : mapping;
      return await this.report(answer);
    } finally {
      this.keeper.stop();
      this.payloads.release();
    }
  }

  private async fetchAndDeliver(mapping: ActivityMapping): Promise<DeliveryAnswer | AbortedDelivery | Report> {
    const ready = await this.payloads.fetchArguments();
    switch (ready.kind) {
      case "gone":
        return { kind: "aborted" };
      case "failed":
        return { kind: "fail", failure: ready.failure };
      case "ready": {
        const answer = await this.deliver(mapping, ready);
        this.payloads.delivered();
        return answer;
      }
    }
  }

  /** Heartbeats go on meanwhile: an engine that takes them, but not the outcome yet, must not take the lease away. */
  private async report(answer: DeliveryAnswer | AbortedDelivery | Report): Promise<RunEnd> {
    const { breaker, secrets } = this.deps;
    // Only an abandoned run, or one whose lease or time has ended, is called off.
    if (this.hasEnded || answer.kind === "aborted") return this.endWithoutReport("aborted");
    if (answer.kind === "fail" || answer.kind === "complete") return this.send(answer);
    const mapped = reportOf(this.task, answer, {
      carrier: this.carrier ?? "of this activity",
      scrub: (text) => secrets.scrub(text),
    });
    judgeCarrier(answer, mapped.report, breaker);
    const ready = await this.payloads.uploadFor(mapped);
    if (this.hasEnded || ready.kind === "gone") {
      return this.endWithoutReport(ready.kind === "gone" ? ready.reason : "aborted");
    }
    return this.send(ready.report, async () => {
      const again = await this.payloads.uploadFor(mapped);
      return again.kind === "ready" ? again.report : undefined;
    });
  }

  private get hasEnded(): boolean {
    return this.abandoned || this.keeper.ended !== undefined;
  }

  private async endWithoutReport(reason: string): Promise<RunEnd> {
    if (this.abandoned) return { end: "abandoned", detail: null };
    const { ended } = this.keeper;
    return ended === undefined ? { end: "lost", detail: reason } : this.closeAfter(ended);
  }

  private async send(report: Report, renew?: () => Promise<Report | undefined>): Promise<RunEnd> {
    this.reporting = true;
    return runEnd(await this.record(report, renew), this.abandoned);
  }

  private record(report: Report, renew?: () => Promise<Report | undefined>): Promise<ReportEnd> {
    const { client, clock, events, secrets } = this.deps;
    return reportOutcome(this.task, report, {
      client,
      clock,
      scrubber: secrets,
      untilSurelyGone: () => this.keeper.untilSilence(),
      failureBytes: client.failureReportBytes,
      engineWorks: async () => (await client.heartbeat(this.task, HEARTBEAT_PATIENCE_MS)).kind === "continue",
      signal: this.givingUp.signal,
      renew,
      onRetry: (why, retryInMs, tries) =>
        events.emit({ type: "report_retried", task: this.facts, why, retryInMs, tries }),
      onRejected: (message, status) => events.emit({ type: "report_rejected", task: this.facts, status, message }),
    });
  }

  /** This machine's own mapping where it has one, else the engine's, else why neither can be followed. */
  private resolve(): ActivityMapping | Extract<DeliveryAnswer, { kind: "refused" }> {
    const { config, events } = this.deps;
    const { externalExecutor, taskQueue, activityType, workerSession } = this.task;
    if (workerSession !== null) {
      const message =
        "the task belongs to a worker session, and this dispatcher keeps none: no state of a worker is shared";
      return { kind: "refused", code: "worker_session_unsupported", message };
    }
    const own = config === undefined ? undefined : resolveActivity(config, taskQueue, activityType);
    const engines = externalExecutor === null ? undefined : readEngineMapping(externalExecutor);
    if (own !== undefined) {
      // One that cannot be followed can be no mapping of ours.
      const differences = (mapping: ActivityMapping | undefined): readonly string[] =>
        mapping === undefined ? ["external_executor"] : mappingDifferences(own, mapping);
      const fields = engines === undefined ? [] : differences(engines.mapping);
      if (fields.length > 0 && this.deps.isNews(`${taskQueue}/${activityType}: ${fields.join()}`)) {
        events.emit({ type: "mapping_differs", task: this.facts, fields });
      }
      return own;
    }
    if (engines === undefined) {
      const message = `neither the executor config nor the engine maps ${activityType} of ${taskQueue}`;
      return { kind: "refused", code: "no_mapping", message };
    }
    const message = this.refusalOf(engines.mapping);
    if (message !== undefined) return { kind: "refused", code: "mapping_refused", message };
    if (engines.mapping !== undefined) return engines.mapping;
    events.emit({ type: "mapping_refused", task: this.facts, errors: engines.errors });
    return { kind: "refused", code: "mapping_refused", message: engines.errors.map(describeError).join("; ") };
  }

  /** Why a mapping that only the engine has is not followed. */
  private refusalOf(mapping: ActivityMapping | undefined): string | undefined {
    const { allowEngineCommands, allowEngineTargets, isRegistered } = this.deps;
    if (!isRegistered) return `this dispatcher has never registered ${this.task.activityType}`;
    switch (mapping?.carrier.type) {
      case "process":
        return allowEngineCommands ? undefined : "commands that only the engine maps are not run (allowEngineCommands)";
      case "invocable_http":
        return allowEngineTargets ? undefined : "URLs that only the engine maps are not called (allowEngineTargets)";
      case undefined:
        return undefined;
    }
  }

  private async deliver(
    mapping: ActivityMapping,
    { task, payload }: Extract<ReadyArguments, { readonly kind: "ready" }>,
  ): Promise<DeliveryAnswer | AbortedDelivery> {
    const { client, clock, events, deliverer, onCarrier, payloads, responseLimitBytes } = this.deps;
    const carrier = mapping.carrier.name;
    this.carrier = carrier;
    onCarrier(mapping);
    const startedAt = clock.monotonic();
    const { serverClock } = client;
    events.emit({ type: "delivery_started", task: this.facts, carrier });
    const answer = await deliverTask(
      {
        task,
        payload,
        mapping,
        responseLimitBytes: await payloads.responseLimit(task.namespace, responseLimitBytes),
        roomFor: (bytes) => this.payloads.roomFor(bytes),
        // A deadline counts once it has surely passed: the engine enforces it, and work is not cut short by a guess.
        engineNow: () => serverClock.earliest(),
        engineEstimate: () => serverClock.estimate(),
        leaseLeft: () => this.keeper.untilSurelyGone(),
        signal: this.abort.signal,
        onRetry: (why, retryInMs, tries) =>
          events.emit({ type: "delivery_retried", task: this.facts, carrier, why, retryInMs, tries }),
        onSecret: (secret) => this.forgetSecrets.push(this.deps.secrets.hold(secret)),
      },
      deliverer,
    );
    events.emit({
      type: "delivery_ended",
      task: this.facts,
      carrier,
      outcome: answer.kind === "http" || answer.kind === "process" ? "answered" : answer.kind,
      status: answer.kind === "http" ? answer.status : answer.kind === "process" ? answer.exitCode : null,
      likelyCause: answer.kind === "http" ? (likelyCause(answer.status) ?? null) : null,
      durationMs: clock.monotonic() - startedAt,
    });
    return answer;
  }

  private async closeAfter(end: LeaseEnd): Promise<RunEnd> {
    if (end.kind === "lost") return { end: "lost", detail: end.reason };
    if (!end.cancelRequested) return { end: "superseded", detail: end.reason };
    // A closed run takes no outcome any more. Where only the activity is to end, the engine may wait to hear of it.
    if (!end.runClosed) await this.record({ kind: "fail", failure: CANCELLED });
    return { end: "cancelled", detail: end.reason };
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

function describeError({ code, message }: ConfigError): string {
  return `${code}: ${message}`;
}

/**
 * A carrier that answers in its own terms works, whatever it says; one that does not is counted, and so is one that nothing
 * can be sent to, for want of a mapping or a credential: whoever leases on burns attempts.
 */
function judgeCarrier(answer: DeliveryAnswer, report: Report, breaker: CarrierBreaker): void {
  // What a task wants that nobody here can give says nothing of the carrier.
  if (answer.kind === "refused" && answer.code === "worker_session_unsupported") return;
  if (isCarriersFault(answer, report)) breaker.failed();
  // A deadline that had passed before anything was sent says nothing of the carrier.
  else if (answer.kind !== "timeout") breaker.succeeded();
}

function isCarriersFault(answer: DeliveryAnswer, report: Report): boolean {
  switch (answer.kind) {
    case "process":
      return false;
    case "http": {
      const isResult = report.kind === "complete" || report.failure.type !== MALFORMED_OUTPUT;
      return (
        !isResult &&
        (answer.temporary || [401, 403].includes(answer.status) || likelyCause(answer.status) !== undefined)
      );
    }
    case "timeout":
      return answer.afterMs > 0;
    case "unreachable":
    case "refused":
      return true;
  }
}

/** What was recorded is what is told. */
function runEnd(reported: ReportEnd, abandoned: boolean): RunEnd {
  switch (reported.kind) {
    case "recorded":
    case "recorded_before":
      return reported.outcome.status === "completed"
        ? { end: "completed", detail: null }
        : { end: "failed", detail: reported.outcome.type };
    case "superseded":
      return { end: "superseded", detail: reported.reason };
    case "ignored":
      return { end: "cancelled", detail: reported.reason };
    case "lost":
      return { end: abandoned ? "abandoned" : "lost", detail: reported.reason };
  }
}
