import type { HeartbeatProgress, JsonObject } from "@durable-workflow/carrier/protocol";
import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import type { HeartbeatOutcome } from "../engine/outcomes.js";
import type { BlobPayload } from "../net/blob-bytes.js";
import type { Held } from "../payloads/byte-budget.js";
import type { CallOff, StopSignal } from "../time/call-off.js";
import type { AbortedDelivery, DeliveryAnswer, RefusedAnswer } from "./answer.js";

/** The seam between what leases and reports tasks and what runs them: HTTP is one way, handlers in this process another. */

/** Why a delivery was called off. */
export type DeliveryEnd =
  /** The engine wants the handler to stop. */
  | {
      readonly kind: "stopped";
      readonly reason: string;
      readonly cancelRequested: boolean;
      readonly runClosed: boolean;
    }
  /** The lease has run out, or is somebody else's. */
  | { readonly kind: "lost"; readonly reason: string }
  /** The attempt is given up at the end of a drain. */
  | { readonly kind: "abandoned" };

/** One attempt, as it is delivered. */
export interface Delivery {
  readonly task: LeasedTask;
  /** The engine's time, in milliseconds. */
  readonly engineNow: () => number;
  /** The same as likely as not, for the carrier. Default: as `engineNow`. */
  readonly engineEstimate?: () => number;
  /** Milliseconds until the lease has surely run out. */
  readonly leaseLeft: () => number;
  /**
   * The arguments, where they were fetched (the task itself holds a reference then), or came as bytes. Valid until they were
   * delivered.
   */
  readonly payload?: BlobPayload | undefined;
  /** The largest answer, before and after decompression. Default: the deliverer's own. */
  readonly responseLimitBytes?: number | undefined;
  /**
   * Asked for room in memory for an answer that has begun; waiting for it does not count as the carrier's time. Undefined
   * when the delivery was called off meanwhile. Default: there is always room.
   */
  readonly roomFor?: ((bytes: number) => Promise<Held | undefined> | Held | undefined) | undefined;
  /** Calls the delivery off. Its reason is a {@link DeliveryEnd}. */
  readonly signal: StopSignal & { readonly reason: DeliveryEnd | undefined };
  /** Tells the engine of the attempt, with progress or without. What the answer means for the lease is seen to. */
  readonly heartbeat: (progress: HeartbeatProgress | undefined, signal: StopSignal) => Promise<HeartbeatOutcome>;
  readonly onRetry: (why: string, delayMs: number, tries: number) => void;
  /** Told each time that nothing could be sent to the carrier, and the task is held for it. Default: nobody is. */
  readonly onUnreached?: () => void;
  /** Told of what an authorizer said for this delivery alone. Default: nobody is. */
  readonly onSecret?: (secret: string) => void;
}

/** Where a task goes. */
export interface Route {
  /** Name of the carrier, for events and messages. */
  readonly carrier: string;
  /** Never rejects. */
  deliver(delivery: Delivery): Promise<DeliveryAnswer | AbortedDelivery>;
}

/** What is asked for a route. */
export interface RouteRequest {
  readonly task: LeasedTask;
  /** Whether the task's type was ever registered. */
  readonly isRegistered: boolean;
  /** Told where the carrier is, where only the task says so. */
  readonly onCarrier: (carrier: Carrier) => void;
}

/** What tasks go by at some time. */
export interface Routing {
  /** Whether the task's activity is one of its own. */
  maps(task: LeasedTask): boolean;
  /** Where the task goes, or why nowhere. */
  route(request: RouteRequest): Route | RefusedAnswer;
}

/** Whose arguments are asked for. */
export interface InputSchemasRequest {
  /** Null where only the engine knows who runs the activities. */
  readonly carrier: string | null;
  readonly taskQueue: string;
  readonly activityTypes: readonly string[];
  /** Calls it off. */
  readonly abort: CallOff;
}

/** Brings tasks to what runs them. */
export interface Deliverer {
  /** What tasks go by now. */
  readonly routing: Routing;
  /**
   * What the arguments of activities look like: JSON Schemas of the list of them, by type; undefined where that is not known, or
   * not now. May reject. Default: nothing is known.
   */
  inputSchemas?(request: InputSchemasRequest): Promise<ReadonlyMap<string, JsonObject> | undefined>;
  /** Ends its connections. */
  close(): Promise<void>;
  /** Ends at once what would outlive this process. */
  kill(): void;
}

/**
 * What a task goes by: what counts now, unless only what counted as its poll began has the activity. An engine may hand out
 * a task of an activity that was taken away while the poll was held; it is not failed for that.
 */
export function routingFor(task: LeasedTask, now: Routing, asPolled: Routing | undefined): Routing {
  return !now.maps(task) && asPolled?.maps(task) === true ? asPolled : now;
}
