import type { EngineCall, Interference, Json } from "@durable-workflow/test-support/engine-calls";

export {
  type EngineCall,
  type InsteadOfAnswer,
  type Interference,
  type Json,
  verbOf,
} from "@durable-workflow/test-support/engine-calls";

/** What a scenario asks of an engine, and what a scripted one and a real one can both answer. */

/** A scripted engine answers at once, a real one has to be asked. */
export type Awaitable<T> = T | Promise<T>;

/** An activity to start. A real engine knows whole seconds only: scenarios for both use those. */
export interface ActivitySpec {
  readonly type: string;
  readonly taskQueue?: string;
  readonly namespace?: string;
  readonly arguments?: Json | null;
  readonly maxAttempts?: number;
  readonly backoffMs?: number;
  readonly startToCloseMs?: number;
  readonly heartbeatTimeoutMs?: number;
}

export interface Attempt {
  readonly id: string;
  readonly number: number;
  readonly taskId: string;
}

/** One outcome that the engine has taken: there must be one at most for each attempt. */
export interface RecordedOutcome {
  readonly attemptId: string;
  readonly attempt: number;
  readonly verb: "complete" | "fail";
  /** The report as the dispatcher has sent it. */
  readonly body: Json;
}

export type ActivityState = "pending" | "running" | "completed" | "failed" | "cancelled" | "terminated";

/** An activity as the engine keeps it, as of the last look at it: `until` and `refresh` look. */
export interface Activity {
  /** Of the execution. */
  readonly id: string;
  readonly workflowId: string;
  readonly status: ActivityState;
  readonly attempts: readonly Attempt[];
  readonly outcomes: readonly RecordedOutcome[];
  /** Signs of life that the engine has taken. */
  readonly heartbeats: number;
}

export interface EngineOptions {
  /** What workers have to send. */
  readonly token?: string;
  /** A real engine rounds it up to whole seconds. */
  readonly leaseMs?: number;
  /** How long polls are held at most; rounded up as well. */
  readonly longPollMs?: number;
  /** Added to its clock, so that it disagrees with this machine's. */
  readonly skewMs?: number;
}

export interface EngineUnderTest {
  readonly url: string;
  /** Calls of the worker plane, in the order in which they came. */
  readonly calls: readonly EngineCall[];
  readonly heldPolls: number;
  interfere: Interference;
  start(): Promise<string>;
  stop(): Promise<void>;
  schedule(spec: ActivitySpec): Awaitable<Activity>;
  /** Closes the run: its handler is to stop, and outcomes no longer count. */
  cancel(activity: Activity): Awaitable<void>;
  terminate(activity: Activity): Awaitable<void>;
  /** What a namespace holds, closed or not. */
  list(namespace?: string): Awaitable<readonly Pick<Activity, "id" | "status">[]>;
  workerIds(): Awaitable<readonly string[]>;
  forgetWorkers(): Awaitable<void>;
  /** Looks at all activities that are not closed. */
  refresh(): Awaitable<void>;
  /** Resolves once the condition holds. */
  until(condition: () => Awaitable<boolean>, what?: string): Promise<void>;
  untilStatus(activity: Activity, ...statuses: readonly ActivityState[]): Promise<void>;
  callsOf(verb: string): readonly EngineCall[];
}

export const WORKER_TOKEN = "engine-t0ken";

/** Whether an answer has made a lease longer: one to a heartbeat, or to a renewal. */
export function keepsLease(verb: string, body: Json): boolean {
  return (
    (verb === "heartbeat" && body["heartbeat_recorded"] === true) ||
    (verb === "renew-lease" && body["lease_renewed"] === true)
  );
}

export function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1000;
}

/** Starts an activity that must complete. */
export async function completes(engine: EngineUnderTest, spec: ActivitySpec): Promise<Activity> {
  const activity = await engine.schedule(spec);
  await engine.untilStatus(activity, "completed");
  return activity;
}
