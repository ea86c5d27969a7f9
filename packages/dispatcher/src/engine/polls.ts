import { LONGEST_POLL_TIMEOUT_SECONDS, PATHS, speaks } from "@durable-workflow/engine-protocol";
import type { LeasedTask, PollBody } from "@durable-workflow/engine-protocol/worker";
import type { StopSignal } from "../time/call-off.js";
import type { Clock } from "../time/clock.js";
import type { EngineCaller } from "./caller.js";
import { type LeaseGrant, readLeaseGrant } from "./lease-grant.js";
import { type PollOutcome, readPollOutcome } from "./outcomes.js";
import type { EngineAnswer } from "./reply.js";
import type { ReadTask, UnreadableOne } from "./task-batches.js";

export interface PollRequest {
  readonly namespace: string;
  readonly workerId: string;
  readonly taskQueue: string;
  readonly buildId?: string | undefined;
  /** The same for a repeat of a poll whose answer was lost: newer engines then answer alike. */
  readonly requestId: string;
  /** How long to be held, in whole seconds; the engine has a limit of its own. */
  readonly timeoutSeconds: number;
  readonly signal?: StopSignal;
  /** How many requests of this id were sent before, whose answers were lost: a task may have been leased long before. Default 0. */
  readonly repeat?: number;
  /** How long to wait for the answer at least: an engine may hold a repeat until the poll that it repeats has ended. */
  readonly patienceMs?: number;
  /** How many tasks the answer may bring: no more than the engine lets a poll ask for. Default 1. */
  readonly maxTasks?: number;
}

/** A task as a poll has brought it. */
export interface PolledTask {
  readonly kind: "task";
  readonly task: LeasedTask;
  /** What its lease is, of an engine whose leases are renewed; null where heartbeats keep it. */
  readonly grant: LeaseGrant | null;
}

/** What a poll came to. */
export type PolledOutcome =
  | {
      readonly kind: "tasks";
      /** One; several where several were asked for. */
      readonly tasks: readonly (PolledTask | UnreadableOne)[];
      /** Whether more may be had at once. */
      readonly hasMore: boolean;
    }
  | Exclude<PollOutcome, { readonly kind: "tasks" }>;

/** An answer may take this much longer than the poll is held. */
const POLL_GRACE_MS = 5_000;

/** The requests that ask for tasks. As with all of the client, nothing rejects or throws. */
export class EnginePolls {
  private readonly caller: EngineCaller;
  private readonly clock: Clock;

  constructor(caller: EngineCaller, clock: Clock) {
    this.caller = caller;
    this.clock = clock;
  }

  /** Whether the engine answers a repeated poll with what the first one has leased. Known once a version is. */
  get repeats(): boolean {
    return this.caller.agreedVersion !== undefined && speaks(this.caller.agreedVersion, "pollRequests");
  }

  /** How long a poll is held at most that asks for this, in milliseconds, its answer's way included. */
  pollMs(timeoutSeconds: number): number {
    const { longPollSeconds } = this.caller.capabilities;
    // An older engine holds the poll as long as it likes.
    const heldSeconds = this.repeats ? Math.min(timeoutSeconds, longPollSeconds) : longPollSeconds;
    return heldSeconds * 1000 + POLL_GRACE_MS;
  }

  async poll(request: PollRequest): Promise<PolledOutcome> {
    const {
      namespace,
      workerId,
      taskQueue,
      buildId,
      requestId,
      timeoutSeconds,
      signal,
      repeat = 0,
      maxTasks = 1,
    } = request;
    const { batches } = this.caller.capabilities;
    const isBounded = speaks(this.caller.version, "boundedPolls");
    const body: PollBody = {
      worker_id: workerId,
      task_queue: taskQueue,
      poll_request_id: requestId,
      timeout_seconds: isBounded ? Math.min(timeoutSeconds, LONGEST_POLL_TIMEOUT_SECONDS) : timeoutSeconds,
      ...(buildId === undefined ? {} : { build_id: buildId }),
      // Said of one, too: an engine that knows it gives nothing to a request that comes after its own repeat.
      ...(maxTasks === 1 && batches === undefined ? {} : { max_tasks: maxTasks }),
      ...(repeat === 0 || batches === undefined ? {} : { poll_request_repeat: repeat }),
    };
    const timeoutMs = Math.max(this.pollMs(timeoutSeconds), request.patienceMs ?? 0);
    let dateMs: number | undefined;
    const read = (answer: EngineAnswer): PollOutcome => {
      dateMs = answer.kind === "reply" ? answer.dateMs : undefined;
      return readPollOutcome(namespace, answer, requestId);
    };
    const { clock } = this;
    const sentAt = clock.monotonic();
    const outcome = await this.caller.post(namespace, PATHS.poll, body, read, { timeoutMs, signal });
    if (outcome.kind !== "tasks") return outcome;
    const { tasks, hasMore, body: answer } = outcome;
    const receivedAt = clock.monotonic();
    const first = tasks.find((one) => one.kind === "task")?.task;
    if (repeat === 0 && first !== undefined) {
      const { leaseExpiresAtMs: expiresAtMs, leaseGrantedAtMs: grantedAtMs } = first;
      this.caller.serverClock.checkAgainst({ expiresAtMs, grantedAtMs, dateMs }, sentAt, receivedAt);
    }
    const renews = this.caller.capabilities.renewsLeases(answer);
    const granted = (one: ReadTask): PolledTask | UnreadableOne => {
      if (one.kind !== "task") return one;
      const { task } = one;
      const grant = renews ? readLeaseGrant(answer, task.leaseExpiresAt, task.closesAtMs, receivedAt) : undefined;
      return { kind: "task", task, grant: grant ?? null };
    };
    // An answer with the one task that was asked for ends with it, whatever is left.
    return { kind: "tasks", tasks: tasks.map(granted), hasMore: hasMore && maxTasks > 1 };
  }
}
