import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { AbortedDelivery, DeliveryAnswer, HandledAnswer, HttpAnswer, ProcessAnswer } from "../delivery/answer.js";
import type { DeliveryEnd, Route, RouteRequest, Routing } from "../delivery/deliverer.js";
import { likelyCause, type Report, reportOf } from "../delivery/result-mapping.js";
import { deadlineLeft } from "../delivery/timeouts.js";
import type { EngineClient } from "../engine/client.js";
import type { LeaseGrant } from "../engine/lease-grant.js";
import type { EventStream, TaskEnd, TaskFacts } from "../events/events.js";
import { type LeaseEnd, LeaseKeeper } from "../lease/keeper.js";
import type { Secrets } from "../net/secrets.js";
import type { Payloads } from "../payloads/payloads.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import { AttemptPayloads, type ReadyArguments } from "./attempt-payloads.js";
import { AttemptReport, type RunEnd } from "./attempt-report.js";
import type { CarrierBreaker } from "./breaker.js";
import { judgeCarrier } from "./judge-carrier.js";
import { taskFacts } from "./task-facts.js";

export interface AttemptRunDeps {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly secrets: Secrets;
  /** Says where the task goes. */
  readonly routing: Routing;
  readonly payloads: Payloads;
  /** The largest answer of a carrier where the engine has no way of its own for large results. */
  readonly responseLimitBytes: number;
  readonly breaker: CarrierBreaker;
  /** How long the lease lasts, where leases are renewed; null where heartbeats keep it. */
  readonly grant: LeaseGrant | null;
  /** Whether this dispatcher has registered the task's type. */
  readonly isRegistered: boolean;
  /** Resolves when it may be delivered, or the signal aborts. Undefined: at once. */
  readonly turn: ((signal: StopSignal) => Promise<void>) | undefined;
  /** Told when nothing can be sent to the carrier, and the task is held for it. */
  readonly onUnreached: () => void;
  /** Told where the task goes. */
  readonly onCarrier: RouteRequest["onCarrier"];
}

/** One leased task, from its lease to its end: delivered, kept alive meanwhile, and reported. */
export class AttemptRun {
  private readonly task: LeasedTask;
  private readonly facts: TaskFacts;
  private readonly deps: AttemptRunDeps;
  /** Of the delivery. */
  private readonly abort = new CallOff<DeliveryEnd>();
  /** Of the report, which a delivery that was called off may still need. */
  private readonly givingUp = new CallOff();
  private readonly keeper: LeaseKeeper;
  private readonly payloads: AttemptPayloads;
  private readonly reports: AttemptReport;
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
      onEnd: (end) => {
        const { kind, reason } = end;
        // Once an outcome is on its way, the engine's answer to that says what became of the attempt.
        if (this.reporting) return;
        deps.events.emit({ type: "lease_ended", task: this.facts, kind, reason });
        this.abort.abort(end);
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
      signal: this.abort,
    });
    this.reports = new AttemptReport({
      task,
      facts: this.facts,
      client,
      clock,
      events,
      secrets,
      untilSilence: () => this.keeper.untilSilence(),
      signal: this.givingUp,
    });
  }

  /** Calls delivery and report off. The lease runs out, and the engine hands the task out again. */
  abandon(): void {
    this.abandoned = true;
    this.abort.abort({ kind: "abandoned" });
    this.givingUp.abort(undefined);
  }

  /** Never rejects. */
  async run(): Promise<TaskEnd> {
    const { clock, events } = this.deps;
    const startedAt = clock.monotonic();
    events.emit({ type: "task_leased", task: this.facts });
    const {
      end,
      detail,
      willRetry = null,
    } = await this.work().catch((error: unknown): RunEnd => {
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
      willRetry,
      durationMs: clock.monotonic() - startedAt,
    });
    for (const forget of this.forgetSecrets) forget();
    return end;
  }

  private async work(): Promise<RunEnd> {
    // A poll that was repeated may be answered with a lease that ran out meanwhile.
    if (this.keeper.untilSurelyGone() <= 0) return { end: "lost", detail: "lease_expired" };
    const { routing, isRegistered, onCarrier } = this.deps;
    const route = routing.route({ task: this.task, isRegistered, onCarrier });
    this.keeper.start();
    try {
      const answer = "deliver" in route ? await this.fetchAndDeliver(route) : route;
      return await this.report(answer);
    } finally {
      this.keeper.stop();
      this.payloads.release();
    }
  }

  private async fetchAndDeliver(route: Route): Promise<DeliveryAnswer | AbortedDelivery | Report> {
    const { turn } = this.deps;
    if (turn !== undefined) {
      await turn(this.abort);
      if (this.abort.aborted) return { kind: "aborted" };
    }
    const ready = await this.payloads.fetchArguments();
    switch (ready.kind) {
      case "gone":
        return { kind: "aborted" };
      case "failed":
        return { kind: "fail", failure: ready.failure };
      case "ready": {
        const answer = await this.deliver(route, ready);
        this.payloads.delivered();
        return answer;
      }
    }
  }

  /** Heartbeats go on meanwhile: an engine that takes them, but not the outcome yet, must not take the lease away. */
  private async report(answer: DeliveryAnswer | AbortedDelivery | Report): Promise<RunEnd> {
    const { breaker, secrets } = this.deps;
    // Only an abandoned run, or one whose lease or time has ended, is called off.
    if (this.hasEnded) return this.endWithoutReport("aborted");
    if (answer.kind === "aborted") {
      return answer.isLeft === true ? { end: "abandoned", detail: null } : this.endWithoutReport("aborted");
    }
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

  private send(report: Report, renew?: () => Promise<Report | undefined>): Promise<RunEnd> {
    this.reporting = true;
    return this.reports.send(report, renew);
  }

  private async deliver(
    route: Route,
    { task, payload }: Extract<ReadyArguments, { readonly kind: "ready" }>,
  ): Promise<DeliveryAnswer | AbortedDelivery> {
    const { client, clock, events, payloads, responseLimitBytes } = this.deps;
    const { carrier } = route;
    this.carrier = carrier;
    const startedAt = clock.monotonic();
    const { serverClock } = client;
    events.emit({ type: "delivery_started", task: this.facts, carrier });
    const answer = await route.deliver({
      task,
      payload,
      responseLimitBytes: await payloads.responseLimit(task.namespace, responseLimitBytes),
      roomFor: (bytes) => this.payloads.roomFor(bytes),
      // A deadline counts once it has surely passed: the engine enforces it, and work is not cut short by a guess.
      engineNow: () => serverClock.earliest(),
      engineEstimate: () => serverClock.estimate(),
      leaseLeft: () => this.keeper.untilSurelyGone(),
      signal: this.abort,
      heartbeat: (progress, signal) => this.keeper.heartbeat(progress, signal),
      onRetry: (why, retryInMs, tries) =>
        events.emit({ type: "delivery_retried", task: this.facts, carrier, why, retryInMs, tries }),
      onUnreached: this.deps.onUnreached,
      onBytesLeft: () => this.payloads.stayInUse(),
      onSecret: (secret) => this.forgetSecrets.push(this.deps.secrets.hold(secret)),
    });
    events.emit({
      type: "delivery_ended",
      task: this.facts,
      carrier,
      outcome: isAnswered(answer) ? "answered" : answer.kind,
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
    if (!end.runClosed) await this.reports.cancelled();
    return { end: "cancelled", detail: end.reason };
  }
}

/** Whether something came back from what the task was delivered to. */
function isAnswered(answer: DeliveryAnswer | AbortedDelivery): answer is HandledAnswer | HttpAnswer | ProcessAnswer {
  const { kind } = answer;
  return kind === "http" || kind === "process" || kind === "handled";
}
