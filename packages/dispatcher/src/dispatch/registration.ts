import type { Reason } from "@durable-workflow/engine-protocol";
import type { EngineClient } from "../engine/client.js";
import type { EventStream, LaneFacts } from "../events/events.js";
import { CallOff, type StopSignal } from "../time/call-off.js";
import { backoffDelay, type Clock, pause } from "../time/clock.js";
import { type EngineBackoff, engineRetryMs } from "./engine-backoff.js";

const HEARTBEAT = "worker_heartbeat";
/** One that fails is repeated so often before the next one is due. */
const MOST_HEARTBEATS = 5;
const FIRST_GOODBYE_RETRY_MS = 100;
const LONGEST_GOODBYE_RETRY_MS = 1_000;
/** The engine has fenced the registration: nothing can be had under its name any more. */
const SUPERSEDED = "worker_registration_superseded" satisfies Reason;

export interface RegistrationOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  /** Ends with the lane's polls. */
  readonly signal: StopSignal;
  readonly events: EventStream;
  readonly backoff: EngineBackoff;
  readonly buildId: string | undefined;
  readonly slots: () => number;
  readonly lane: () => LaneFacts;
  readonly activityTypes: () => readonly string[];
  /** How often to tell that it is alive. @param advertisedMs what the engine asks for; null for nothing */
  readonly heartbeatMs: (advertisedMs: number | null) => number;
  /** Whether tasks are in flight that were leased under the lane's name. */
  readonly hasTasks: () => boolean;
  /** The engine has heard of the lane, and answered. */
  readonly onHeard: () => void;
  /** Gives the lane another name. */
  readonly rename: (reason: string) => void;
}

/** What the engine knows of a lane: kept alive, and renewed when the engine forgets, or when the lane's types change. */
export class Registration {
  private readonly options: RegistrationOptions;
  private attempt: Promise<boolean> | undefined;
  private current = false;
  /** Whether the engine may know it at all. */
  private known = false;
  private token: string | null = null;
  private advertisedMs: number | null = null;
  private isKeptAlive = false;
  private isDoubted = false;
  private registrations = 0;

  constructor(options: RegistrationOptions) {
    this.options = options;
  }

  /** Whether the engine knows the lane as it is now. */
  get isCurrent(): boolean {
    return this.current;
  }

  /** The lane has changed. */
  outdate(): void {
    this.current = false;
  }

  /**
   * The engine does not know it any more. Newer engines take all leases of a name away when it is registered again: while
   * tasks are in flight, the lane goes on under another name.
   */
  lost(reason: string): void {
    this.current = false;
    const { client, events, lane, hasTasks, rename } = this.options;
    events.emit({ type: "registration_lost", lane: lane(), reason });
    if (reason === SUPERSEDED || (client.freesLeasesAtRegistration && hasTasks())) rename(reason);
  }

  /**
   * The engine has doubts about it: it is asked whether the registration is still there. Only when it says so, and has its
   * doubts again, is the registration given up.
   */
  async doubt(reason: string): Promise<void> {
    if (this.isDoubted) {
      this.lost(reason);
      return;
    }
    this.isDoubted = true;
    await this.heartbeat();
  }

  /** The engine has taken it for good. */
  trust(): void {
    this.isDoubted = false;
  }

  /** Changes with each registration that was made. */
  get epoch(): number {
    return this.registrations;
  }

  /** True once registered; false after a wait when that failed. Those who need it together ask once. */
  renew(): Promise<boolean> {
    this.attempt ??= this.tryRenew().finally(() => {
      this.attempt = undefined;
    });
    return this.attempt;
  }

  private async tryRenew(): Promise<boolean> {
    const { client, events, backoff, buildId, slots, lane, activityTypes, rename } = this.options;
    if (client.protocolVersion === undefined) {
      const problem = await client.negotiateOnce();
      if (problem !== undefined) {
        await backoff.wait(problem, "cluster_info");
        return false;
      }
    }
    const { namespace, taskQueue, workerId } = lane();
    const types = activityTypes();
    this.known = true;
    const registration = { namespace, workerId, taskQueue, activityTypes: types, buildId, slots: slots() };
    const outcome = await client.register(registration);
    if (outcome.kind !== "registered") {
      if (outcome.kind === "refused" && outcome.reason === SUPERSEDED) rename(SUPERSEDED);
      await backoff.wait(outcome, "register");
      return false;
    }
    this.registrations++;
    this.isDoubted = false;
    this.token = outcome.token;
    this.advertisedMs = outcome.heartbeatMs;
    // A new config may have changed them meanwhile.
    this.current = types === activityTypes();
    events.emit({ type: "registered", lane: lane(), activityTypes: types });
    this.options.onHeard();
    if (!this.isKeptAlive) {
      this.isKeptAlive = true;
      void this.keepAlive();
    }
    return true;
  }

  private async keepAlive(): Promise<void> {
    const { clock, signal, heartbeatMs } = this.options;
    // The first comes at any time of its interval: of those who have registered together, not all are heard of together.
    for (let share = Math.random(); !signal.aborted; share = 1) {
      await pause(clock, share * heartbeatMs(this.advertisedMs), signal);
      if (signal.aborted) return;
      if (!(await this.heartbeat()) && !signal.aborted) await this.renew();
    }
  }

  /** Tells the engine that it is alive. @returns false when the engine does not know it any more */
  private async heartbeat(): Promise<boolean> {
    if (!this.current) return true;
    const { client, events, clock, signal, lane, backoff } = this.options;
    for (let failures = 1; ; failures++) {
      const { namespace, workerId } = lane();
      const outcome = await client.heartbeatWorker(namespace, workerId);
      switch (outcome.kind) {
        case "acknowledged":
          this.advertisedMs = outcome.heartbeatMs ?? this.advertisedMs;
          this.options.onHeard();
          return true;
        case "reregister":
          this.lost(outcome.reason);
          return false;
        case "refused": {
          const { status, reason, message } = outcome;
          const retryInMs = null;
          events.emit({ type: "engine_refused", operation: HEARTBEAT, status, reason, message, retryInMs });
          return true;
        }
        case "unavailable": {
          const { why, status } = outcome;
          // While polls fail as well, the next one is soon enough: they are what notices that the engine is back.
          const isLast = failures >= MOST_HEARTBEATS || backoff.failing || signal.aborted;
          // An engine may count a registration that it has not heard of as stale, and hold no poll for it any more.
          const retryInMs = isLast ? null : engineRetryMs(outcome, failures);
          events.emit({ type: "engine_unavailable", operation: HEARTBEAT, why, status, retryInMs });
          if (retryInMs === null) return true;
          await pause(clock, retryInMs, signal);
          if (signal.aborted || !this.current) return true;
        }
      }
    }
  }

  /** Whether it ends by a token: once it has, nothing is leased under it any more. */
  get isFenced(): boolean {
    return this.known && this.token !== null && this.options.client.fencesRegistrations;
  }

  /**
   * Takes it back, as far as the engine has a way for that. By token, an answer that leaves open what happened is asked for
   * again: the same request is answered with the same receipt. Without, it is asked once, since the name may be another's by then.
   *
   * @param patienceMs how long to ask
   * @param isTooEarly whether not to ask again for now: it can be ended later. Default: it is not
   * @returns whether it is over
   */
  async end(patienceMs: number, isTooEarly: () => boolean = () => false): Promise<boolean> {
    if (!this.known) return true;
    const { client, events, clock, lane } = this.options;
    const { namespace, workerId } = lane();
    const token = this.isFenced ? this.token : null;
    this.known = false;
    this.current = false;
    const until = clock.monotonic() + patienceMs;
    for (let tries = 1; ; tries++) {
      const outcome = await client.deregister(namespace, workerId, token);
      if (outcome.kind === "deregistered") break;
      if (outcome.kind === "no_route") return false;
      const operation = "deregister";
      if (outcome.kind === "refused") {
        const { status, reason, message } = outcome;
        events.emit({ type: "engine_refused", operation, status, reason, message, retryInMs: null });
        return false;
      }
      const { why, status, retryAfterMs } = outcome;
      if (why === "aborted") return false;
      const waitMs = retryAfterMs ?? backoffDelay(tries, FIRST_GOODBYE_RETRY_MS, LONGEST_GOODBYE_RETRY_MS);
      const isLast = token === null || client.isClosed || clock.monotonic() + waitMs >= until;
      events.emit({ type: "engine_unavailable", operation, why, status, retryInMs: isLast ? null : waitMs });
      if (isLast) return false;
      await pause(clock, waitMs, new CallOff());
      if (isTooEarly()) {
        this.known = true;
        return false;
      }
    }
    events.emit({ type: "deregistered", lane: lane() });
    return true;
  }
}
