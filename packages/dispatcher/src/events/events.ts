import type { ConfigError } from "@durable-workflow/engine-protocol/executor-config";
import type { BreakerState, LaneState } from "./states.js";

/** Which attempt an event is about. */
export interface TaskFacts {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly taskId: string;
  readonly attemptId: string;
  readonly attempt: number;
  readonly executionId: string | null;
  readonly activityType: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** Which registration an event is about: one for each namespace, task queue and carrier. */
export interface LaneFacts {
  readonly namespace: string;
  readonly taskQueue: string;
  /** Name of the carrier; null while only the engine knows. */
  readonly carrier: string | null;
  readonly workerId: string;
}

/** How an attempt ended, as far as this dispatcher is concerned. */
export type TaskEnd =
  | "completed" // a result is on record
  | "failed" // a failure is on record
  | "cancelled" // the engine asked for the end
  | "superseded" // the attempt was closed by somebody else: timed out, or handed out again
  | "lost" // the lease is gone; nothing was reported, or nothing was accepted
  | "abandoned"; // given up at the end of a drain; its lease will run out

/** All that a dispatcher has to say. No event holds a credential, or a payload. */
export type DispatcherEvent =
  | { readonly type: "config_loaded"; readonly mappings: number; readonly carriers: number }
  | { readonly type: "config_rejected"; readonly errors: readonly ConfigError[]; readonly message: string }
  | { readonly type: "engine_version"; readonly version: string; readonly advertised: string }
  | {
      readonly type: "engine_unavailable";
      readonly operation: string;
      readonly why: string;
      readonly status: number | null;
      /** Null where it is not asked for again before its time. */
      readonly retryInMs: number | null;
    }
  | {
      readonly type: "engine_refused";
      readonly operation: string;
      readonly status: number;
      readonly reason: string | null;
      readonly message: string;
      readonly retryInMs: number | null;
    }
  /** Leases are over as they come, by what is known of the engine's clock: nothing of them is delivered. */
  | {
      readonly type: "leases_expired";
      readonly lane: LaneFacts;
      readonly inARow: number;
      readonly retryInMs: number;
    }
  | { readonly type: "registered"; readonly lane: LaneFacts; readonly activityTypes: readonly string[] }
  | { readonly type: "registration_lost"; readonly lane: LaneFacts; readonly reason: string }
  | { readonly type: "deregistered"; readonly lane: LaneFacts }
  /** The lane goes on under another name, since nothing can be had under the old one, or its leases would be taken away. */
  | {
      readonly type: "worker_renamed";
      readonly lane: LaneFacts;
      readonly previousId: string;
      readonly reason: string;
    }
  /** What a registration is doing has changed. */
  | { readonly type: "lane_state"; readonly lane: LaneFacts; readonly state: LaneState }
  /** A new config has no use for it; its tasks in flight go on. */
  | { readonly type: "lane_retired"; readonly lane: LaneFacts }
  | { readonly type: "polled"; readonly lane: LaneFacts; readonly outcome: string; readonly durationMs: number }
  | { readonly type: "task_leased"; readonly task: TaskFacts }
  | {
      readonly type: "task_unreadable";
      readonly lane: LaneFacts;
      readonly problem: string;
      readonly taskId: string | null;
    }
  | { readonly type: "task_repeated"; readonly task: TaskFacts }
  | { readonly type: "mapping_differs"; readonly task: TaskFacts; readonly fields: readonly string[] }
  | { readonly type: "mapping_refused"; readonly task: TaskFacts; readonly errors: readonly ConfigError[] }
  | { readonly type: "delivery_started"; readonly task: TaskFacts; readonly carrier: string }
  | {
      readonly type: "delivery_retried";
      readonly task: TaskFacts;
      readonly carrier: string;
      readonly why: string;
      readonly tries: number;
      readonly retryInMs: number;
    }
  | {
      readonly type: "delivery_ended";
      readonly task: TaskFacts;
      readonly carrier: string;
      readonly outcome: "answered" | "timeout" | "unreachable" | "refused" | "aborted";
      readonly status: number | null;
      /** Of a status that says the carrier was deployed wrongly. */
      readonly likelyCause: string | null;
      readonly durationMs: number;
    }
  /** What an engine does with large payloads of a namespace, once it is known and whenever it changes. */
  | {
      readonly type: "payload_transport";
      readonly namespace: string;
      /** `unusable`: what its cluster info says of it cannot be followed, and everything goes inline. */
      readonly state: "off" | "on" | "unusable";
      readonly thresholdBytes: number | null;
      readonly maxPayloadBytes: number | null;
      readonly problem: string | null;
    }
  /** Arguments were fetched, or a result or details uploaded. */
  | {
      readonly type: "payload_moved";
      readonly task: TaskFacts;
      readonly direction: "fetched" | "uploaded";
      readonly bytes: number;
      readonly durationMs: number;
    }
  | {
      readonly type: "payload_retried";
      readonly task: TaskFacts;
      readonly direction: "fetch" | "upload";
      readonly why: string;
      readonly tries: number;
      readonly retryInMs: number;
    }
  /** It will never be had, or never be kept: a failure says so in place of the delivery, or of the result. */
  | {
      readonly type: "payload_refused";
      readonly task: TaskFacts;
      readonly direction: "fetch" | "upload";
      readonly reason: string;
      readonly message: string;
    }
  | { readonly type: "heartbeat"; readonly task: TaskFacts; readonly outcome: string }
  | {
      readonly type: "lease_ended";
      readonly task: TaskFacts;
      readonly kind: "stopped" | "lost";
      readonly reason: string;
    }
  | {
      readonly type: "report_retried";
      readonly task: TaskFacts;
      readonly why: string;
      readonly tries: number;
      readonly retryInMs: number;
    }
  | { readonly type: "report_rejected"; readonly task: TaskFacts; readonly status: number; readonly message: string }
  | {
      readonly type: "task_ended";
      readonly task: TaskFacts;
      readonly carrier: string | null;
      readonly end: TaskEnd;
      /** The failure's type, where there is one; else why nothing was recorded. */
      readonly detail: string | null;
      /**
       * Whether another attempt follows a failure that is on record, by the task's retry policy: `schedule_to_close` may pass
       * before it. Null for every other end, and where the engine has put a failure of its own in place of the result.
       */
      readonly willRetry: boolean | null;
      /** From lease to end. */
      readonly durationMs: number;
    }
  | {
      readonly type: "carrier_state";
      readonly carrier: string;
      readonly state: BreakerState;
      readonly failures: number;
      readonly retryInMs: number | null;
    }
  /** What runs in this process has kept it from everything else. Of a worker whose handlers run in its process alone. */
  | {
      readonly type: "event_loop_blocked";
      /** How long, in milliseconds. */
      readonly delayMs: number;
      /** What was running: one of these it was. */
      readonly activityTypes: readonly string[];
      /** What is left of their leases, of the one that ends first, in milliseconds: none from 0 down. Null where nothing was running. */
      readonly leaseLeftMs: number | null;
    }
  | { readonly type: "draining"; readonly inFlight: number }
  | { readonly type: "stopped"; readonly abandoned: number };

/** A function that gets every event. */
export type EventListener = (event: DispatcherEvent) => void;

/** Fields that may hold what others wrote. */
const FREE_TEXT = ["message", "why", "detail", "problem", "reason"] as const;

/** The stream of events. Logs, metrics and health are fed by it, and by nothing else. */
export class EventStream {
  private readonly listeners = new Set<EventListener>();
  private readonly scrub: ((text: string) => string) | undefined;

  /** @param scrub takes credentials out of what others wrote. Default: nothing is taken out. */
  constructor(scrub?: (text: string) => string) {
    this.scrub = scrub;
  }

  /** Calls the listener with every event from now on. What it throws is dropped. The function returned ends that. */
  on(listener: EventListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** @internal */
  emit(said: DispatcherEvent): void {
    const event = this.cleaned(said);
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch {
        // Who watches must not stop the work.
      }
    }
  }

  private cleaned(event: DispatcherEvent): DispatcherEvent {
    if (this.scrub === undefined) return event;
    const fields: Readonly<Record<string, unknown>> = event;
    let changes: Record<string, string> | undefined;
    for (const name of FREE_TEXT) {
      const text = fields[name];
      if (typeof text !== "string") continue;
      const clean = this.scrub(text);
      if (clean !== text) (changes ??= {})[name] = clean;
    }
    return changes === undefined ? event : { ...event, ...changes };
  }
}
