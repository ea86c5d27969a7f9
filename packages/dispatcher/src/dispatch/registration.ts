import type { EngineClient } from "../engine/client.js";
import type { EventStream, LaneFacts } from "../events/events.js";
import { type Clock, pause } from "../time/clock.js";
import { type EngineBackoff, engineRetryMs } from "./engine-backoff.js";

const HEARTBEAT = "worker_heartbeat";
/** One that fails is repeated so often before the next one is due. */
const MOST_HEARTBEATS = 5;

export interface RegistrationOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  /** Ends with the lane's polls. */
  readonly signal: AbortSignal;
  readonly events: EventStream;
  readonly backoff: EngineBackoff;
  readonly buildId: string | undefined;
  readonly slots: () => number;
  readonly lane: () => LaneFacts;
  readonly activityTypes: () => readonly string[];
}

/** What the engine knows of a lane: renewed when it forgets, or when the lane's activity types change. */
export class Registration {
  private readonly options: RegistrationOptions;
  private attempt: Promise<boolean> | undefined;
  private current = false;
  /** Whether the engine may know it at all. */
  private known = false;

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

  /** The engine does not know it any more. */
  lost(reason: string): void {
    this.current = false;
    const { events, lane } = this.options;
    events.emit({ type: "registration_lost", lane: lane(), reason });
  }

  /** True once registered; false after a wait when that failed. Those who need it together ask once. */
  renew(): Promise<boolean> {
    this.attempt ??= this.tryRenew().finally(() => {
      this.attempt = undefined;
    });
    return this.attempt;
  }

  private async tryRenew(): Promise<boolean> {
    const { client, events, backoff, buildId, slots, lane, activityTypes } = this.options;
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
      await backoff.wait(outcome, "register");
      return false;
    }
    // A new config may have changed them meanwhile.
    this.current = types === activityTypes();
    events.emit({ type: "registered", lane: lane(), activityTypes: types });
    return true;
  }

  /** Tells the engine that it is alive. @returns false when the engine does not know it any more */
  async heartbeat(): Promise<boolean> {
    if (!this.current) return true;
    const { client, events, clock, signal, lane } = this.options;
    for (let failures = 1; ; failures++) {
      const { namespace, workerId } = lane();
      const outcome = await client.heartbeatWorker(namespace, workerId);
      switch (outcome.kind) {
        case "acknowledged":
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
          const isLast = failures >= MOST_HEARTBEATS || signal.aborted;
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

  /** Takes it back, as far as the engine has a way for that. */
  async end(): Promise<void> {
    if (!this.known) return;
    this.known = false;
    this.current = false;
    const { client, events, lane } = this.options;
    await client.deregister(lane().namespace, lane().workerId);
    events.emit({ type: "deregistered", lane: lane() });
  }
}
