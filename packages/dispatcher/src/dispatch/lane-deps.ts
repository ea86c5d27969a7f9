import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { Deliverer, Routing } from "../delivery/deliverer.js";
import type { EngineClient } from "../engine/client.js";
import type { LeaseGrant } from "../engine/lease-grant.js";
import type { EventStream } from "../events/events.js";
import type { StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import type { CarrierBreaker } from "./breaker.js";
import type { LanePlan } from "./lane-plan.js";
import type { SlotPool } from "./slots.js";

/** What a lane works with. */
export interface LaneDeps {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly events: EventStream;
  readonly slots: SlotPool;
  readonly breaker: () => CarrierBreaker;
  readonly buildId: string | undefined;
  readonly pollSeconds: number;
  readonly maxPolls: () => number;
  readonly slotsAdvertised: () => number;
  /** How often to tell the engine of the registration. @param advertisedMs what it asks for; null for nothing */
  readonly heartbeatMs: (advertisedMs: number | null) => number;
  /** Another name to register under; none is given twice. */
  readonly nextWorkerId: () => string;
  /** Told that this lane waits for a slot, which polls of others may hold idly. */
  readonly onWaiting: () => void;
  /** Aborted once there is no more time to run what is leased. */
  readonly givenUp: StopSignal;
  /** What tasks go by now. */
  readonly routing: () => Routing;
  /** Resolves when this process has time for more tasks; undefined where it has now. Default: it always has. */
  readonly untilRecovered?: () => Promise<void> | undefined;
  /** What the arguments of its activities look like. May reject. */
  readonly inputSchemas: NonNullable<Deliverer["inputSchemas"]>;
  /** Runs a task to its end. */
  readonly run: (leased: Leased) => Promise<void>;
}

/** A task as a lane has leased it. */
export interface Leased {
  readonly task: LeasedTask;
  /** How long its lease lasts, where leases are renewed; null where heartbeats keep it. */
  readonly grant: LeaseGrant | null;
  readonly plan: LanePlan;
  /** What tasks went by as its poll began. */
  readonly asPolled: Routing;
  /** Whether the lane has ever registered the task's type. */
  readonly isRegistered: boolean;
  /** Resolves when it may begin, or the signal aborts; its lease is kept meanwhile. Undefined: it may begin now. */
  readonly turn: ((signal: StopSignal) => Promise<void>) | undefined;
}
