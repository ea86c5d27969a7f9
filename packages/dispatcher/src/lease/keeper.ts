import type { HeartbeatProgress } from "@durable-workflow/carrier/protocol";
import { deadlineMs, type LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { DeliveryEnd } from "../delivery/deliverer.js";
import type { EngineClient } from "../engine/client.js";
import type { LeaseGrant, RenewalOutcome } from "../engine/lease-grant.js";
import type { HeartbeatOutcome } from "../engine/outcomes.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import { type Clock, jittered, timerDelay } from "../time/clock.js";

/** Why a delivery must end before it has an answer. */
export type LeaseEnd = Exclude<DeliveryEnd, { readonly kind: "abandoned" }>;

export interface LeaseKeeperOptions {
  readonly client: Pick<EngineClient, "heartbeat" | "renewLease" | "serverClock">;
  readonly clock: Clock;
  readonly task: LeasedTask;
  /**
   * How long the lease lasts, where leases are renewed: it is kept by renewals then, and counted on this machine's monotonic
   * clock alone. Default: null, where heartbeats keep it, and the engine's clock tells how long it lasts.
   */
  readonly grant?: LeaseGrant | null;
  /** Called once, when the lease cannot be kept. */
  readonly onEnd: (end: LeaseEnd) => void;
  readonly onHeartbeat?: (outcome: HeartbeatOutcome | RenewalOutcome) => void;
  /** For jitter, from 0 to 1. Default: by chance. */
  readonly random?: () => number;
}

/** Heartbeats come no closer than this, however little is left. */
const SHORTEST_WAIT_MS = 50;
/**
 * Heartbeats come at least so often, and up to a quarter later by chance: only their answers tell of a cancellation, which a
 * handler is to hear of within ten seconds.
 */
const LONGEST_WAIT_MS = 7_500;
/** After a heartbeat that got no answer, the next one comes this soon, or sooner when little is left. */
const LONGEST_RETRY_WAIT_MS = 5_000;

const nothing = (): void => {};

/**
 * Keeps a lease alive while its task is delivered, and hears of cancellations: a heartbeat at a third of what is left of the
 * lease or of the heartbeat timeout by the engine's clock, and every 7.5 to 9.4 s at the latest, whatever is shortest. An engine that does not answer is asked again until the lease has
 * surely run out.
 */
export class LeaseKeeper {
  private readonly options: LeaseKeeperOptions;
  private readonly abort = new CallOff();
  private expiresAtMs: number;
  private grant: LeaseGrant | null;
  /**
   * When the engine gives up an attempt that it has not heard of, by this machine's monotonic clock: heartbeat timeouts
   * can be shorter than what is known of the engine's. Infinite for never.
   */
  private silentUntil: number;
  private cancelTimer = nothing;
  private stopped = false;
  private end: LeaseEnd | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.options = options;
    const { task, client } = options;
    this.expiresAtMs = task.leaseExpiresAtMs;
    this.grant = options.grant ?? null;
    // The deadline that came with the task is the first one; later ones follow from the timeout.
    const deadline = deadlineMs(task, "heartbeat") ?? Number.POSITIVE_INFINITY;
    const left = Math.min(
      deadline - client.serverClock.earliest(),
      task.heartbeatTimeoutMs ?? Number.POSITIVE_INFINITY,
    );
    this.silentUntil = options.clock.monotonic() + left;
  }

  start(): void {
    this.scheduleNext(this.usualWait());
  }

  /** Ends the heartbeats; one that is under way is called off. */
  stop(): void {
    this.stopped = true;
    this.cancelTimer();
    this.abort.abort(undefined);
  }

  /** Set once the lease could not be kept. */
  get ended(): LeaseEnd | undefined {
    return this.end;
  }

  /** Milliseconds until the lease has surely run out by the engine's clock; negative when it has. */
  untilSurelyGone(): number {
    const { client, clock } = this.options;
    if (this.grant !== null) return leaseEnd(this.grant) - clock.monotonic();
    return this.expiresAtMs - client.serverClock.earliest();
  }

  /**
   * Milliseconds until nothing may be said of the attempt any more: its lease has surely run out, or, where leases are renewed,
   * the time for its work. The engine ends it then.
   */
  untilSilence(): number {
    const { grant } = this;
    const left = this.untilSurelyGone();
    if (grant === null) return left;
    return Math.min(left, grant.countsFrom + grant.closesInMs - this.options.clock.monotonic());
  }

  /** Milliseconds that are left for certain, of the lease and, unless it has passed already, of the heartbeat timeout. */
  private untilEnd(): number {
    const { client, clock } = this.options;
    const lease = this.grant === null ? this.expiresAtMs - client.serverClock.latest() : this.untilSurelyGone();
    const silence = this.silentUntil - clock.monotonic();
    // Past it nothing is gained by haste: the engine has given the attempt up, or does not answer.
    return silence > 0 ? Math.min(lease, silence) : lease;
  }

  private usualWait(): number {
    return Math.min(this.untilEnd() / 3, jittered(LONGEST_WAIT_MS, this.options.random));
  }

  private scheduleNext(waitMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.options.clock.schedule(timerDelay(Math.max(SHORTEST_WAIT_MS, waitMs)), () => {
      void this.beat();
    });
  }

  private async beat(): Promise<void> {
    const { client, clock, task, onHeartbeat } = this.options;
    const goneIn = this.untilSurelyGone();
    if (goneIn <= 0) {
      this.finish({ kind: "lost", reason: "lease_expired" });
      return;
    }
    const patience = Math.max(1_000, Math.min(goneIn, this.untilEnd()) / 2);
    const sentAt = clock.monotonic();
    // A renewal is no word of progress: a heartbeat timeout needs heartbeats, which renew the lease as well.
    const outcome =
      this.grant !== null && task.heartbeatTimeoutMs === null
        ? await client.renewLease(task, this.grant, patience, this.abort)
        : await client.heartbeat(task, patience, this.abort);
    if (this.stopped) return;
    onHeartbeat?.(outcome);
    this.take(outcome, sentAt);
  }

  /** A heartbeat that somebody else asks for; what it says counts like that of any other. */
  async heartbeat(progress: HeartbeatProgress | undefined, signal: StopSignal): Promise<HeartbeatOutcome> {
    const { client, clock, task, onHeartbeat } = this.options;
    const sentAt = clock.monotonic();
    const patience = Math.max(1_000, Math.min(this.untilSurelyGone(), this.untilEnd()) / 2);
    const outcome = await client.heartbeat(task, patience, signal, progress);
    if (this.stopped) return outcome;
    onHeartbeat?.(outcome);
    // Those that failed are the business of whoever asked: the next one of the keeper's own is due as it was.
    if (outcome.kind !== "unavailable" && outcome.kind !== "refused") this.take(outcome, sentAt);
    return outcome;
  }

  /** @param sentAt when it was sent, by the monotonic clock */
  private take(outcome: HeartbeatOutcome | RenewalOutcome, sentAt: number): void {
    const { task } = this.options;
    switch (outcome.kind) {
      case "renewed":
        this.grant = outcome.grant;
        this.scheduleNext(this.usualWait());
        break;
      case "continue":
        if (outcome.leaseExpiresAtMs !== null) this.prolong(outcome.leaseExpiresAtMs);
        this.silentUntil = sentAt + (task.heartbeatTimeoutMs ?? Number.POSITIVE_INFINITY);
        this.scheduleNext(this.usualWait());
        break;
      case "stop": {
        const { reason, cancelRequested, runClosed } = outcome;
        this.finish({ kind: "stopped", reason, cancelRequested, runClosed });
        break;
      }
      case "lost":
        this.finish({ kind: "lost", reason: outcome.reason });
        break;
      case "unavailable":
      case "refused":
        this.scheduleNext(this.retryWait(outcome));
        break;
    }
  }

  /** Heartbeats do not say the engine's time: what its clock shows at the latest counts. */
  private prolong(expiresAtMs: number): void {
    this.expiresAtMs = expiresAtMs;
    if (this.grant === null) return;
    const { client, clock } = this.options;
    const countsFrom = clock.monotonic();
    const serverTimeMs = client.serverClock.latest();
    const closesInMs = this.grant.countsFrom + this.grant.closesInMs - countsFrom;
    const grant = { leaseMs: expiresAtMs - serverTimeMs, closesInMs, countsFrom, serverTimeMs, expiresAtMs };
    if (leaseEnd(grant) > leaseEnd(this.grant)) this.grant = grant;
  }

  private retryWait(outcome: Extract<HeartbeatOutcome, { kind: "unavailable" | "refused" }>): number {
    const asked = outcome.kind === "unavailable" ? (outcome.retryAfterMs ?? 0) : 0;
    const third = this.untilEnd() / 3;
    // Never later than what is left allows, whatever the engine asks for.
    return Math.min(
      Math.max(
        jittered(asked, this.options.random),
        Math.min(third, jittered(LONGEST_RETRY_WAIT_MS, this.options.random)),
      ),
      Math.max(third, SHORTEST_WAIT_MS),
    );
  }

  private finish(end: LeaseEnd): void {
    if (this.stopped) return;
    this.stop();
    this.end = end;
    this.options.onEnd(end);
  }
}

/** When a lease ends, by this machine's monotonic clock. */
function leaseEnd({ countsFrom, leaseMs }: LeaseGrant): number {
  return countsFrom + leaseMs;
}
