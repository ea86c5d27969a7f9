import type { ActivityHandler } from "../activity/definition/registry.js";
import { ActivityCancelled, CallerDisconnected } from "../activity/errors.js";
import { InvocableActivityHandler, type InvocableActivityHandlerOptions } from "../activity/handler.js";
import type { Heartbeat, HeartbeatSender } from "../activity/heartbeat/heartbeat-sender.js";
import { heartbeats } from "../activity/heartbeat/source.js";
import type { HeartbeatAnswer } from "../protocol/heartbeat.js";
import type { HeartbeatProgress } from "../protocol/heartbeat-progress.js";
import { type ExternalTaskResult, parseExternalTaskResult } from "../protocol/task-result.js";
import type { ActivityTaskInputEnvelope, InvocableResultEnvelope } from "../protocol/wire.js";
import type { ActivityArguments, ActivityResult } from "./activity-types.js";
import { buildTaskInput, type TaskInputOptions } from "./build-task-input.js";
import { type LogLine, recordingLogger } from "./recording-logger.js";
import { failureOf, type TaskFailureReport, valueOf } from "./task-result.js";
import { TestClock } from "./test-clock.js";

/** The options of a carrier, but for what the environment brings itself. */
export interface ActivityTestOptions extends Omit<InvocableActivityHandlerOptions, "clock" | "logger" | "heartbeat"> {
  /** When it begins, in milliseconds since the epoch. Default: now. */
  readonly now?: number;
  /** A clock to share, with an idempotency store for instance, in place of one that starts at `now`. */
  readonly clock?: TestClock;
  /** Whether heartbeats are sent while a handler runs though it makes none. Default false. */
  readonly automaticHeartbeats?: boolean;
  /** What the engine says to a heartbeat, if it is not to go on with a lease of five minutes from then on. */
  readonly answerHeartbeat?: (heartbeat: Heartbeat) => Partial<HeartbeatAnswer> | Promise<Partial<HeartbeatAnswer>>;
}

/** What the engine says of the task, beyond its type and arguments. */
export type ActivityTestTask = Omit<TaskInputOptions, "activityType" | "args" | "now">;

/** What a handler said of its progress. */
export interface RecordedHeartbeat {
  /** Milliseconds since the run began. */
  readonly atMs: number;
  readonly progress: HeartbeatProgress | undefined;
}

const LEASE_MS = 300_000;

/**
 * Runs activities as a carrier does, without a server and without waiting: the production code, with a clock that stands
 * still until it is moved, and a recorder in place of the engine's heartbeat endpoint.
 *
 * ```ts
 * const env = new ActivityTestEnvironment();
 * const run = env.start(importRows, ["rows.csv"]);
 * await env.advance(30_000);
 * run.cancel();
 * assert.equal((await run.failure()).classification, "cancelled");
 * ```
 *
 * What handlers do with the system's own clock, timers, files and sockets is not touched.
 */
export class ActivityTestEnvironment {
  readonly clock: TestClock;
  private readonly options: InvocableActivityHandlerOptions;
  private readonly logger = recordingLogger();
  /** One carrier for each activity, so that runs of it meet where they do in production. */
  private readonly carriers = new Map<ActivityHandler, InvocableActivityHandler>();
  private readonly runs = new Map<string, RunRecord>();

  /** @throws {TypeError} for bad options, when the first activity starts */
  constructor({
    now,
    clock: given,
    answerHeartbeat,
    automaticHeartbeats: automatic,
    ...options
  }: ActivityTestOptions = {}) {
    this.clock = given ?? new TestClock(now);
    const sender: HeartbeatSender = {
      send: async (sent) => {
        this.record(sent.attemptId, "sent", sent.progress);
        const goOn = { canContinue: true, cancelRequested: false, reason: undefined };
        const leaseExpiresAt = new Date(this.clock.now() + LEASE_MS);
        return { ...goOn, leaseExpiresAt, ...(await answerHeartbeat?.(sent)) };
      },
    };
    const { clock, logger } = this;
    this.options = {
      ...options,
      heartbeat: heartbeats({ sender, automatic }),
      clock,
      logger,
      // A copy: handlers may change the object and send it again.
      onHeartbeat: ({ attemptId }, progress) => this.record(attemptId, "said", copyOf(progress)),
    };
  }

  /** What the carrier and the activities' own loggers have said so far. */
  get logs(): readonly LogLine[] {
    return this.logger.lines;
  }

  /**
   * Starts an activity.
   *
   * @param activity a definition, or a function
   * @param task what the engine says of the task: attempt, ids, deadlines, headers
   * @throws {TypeError} for what is no activity
   */
  start<Activity extends ActivityHandler>(
    activity: Activity,
    args: ActivityArguments<Activity>,
    task: ActivityTestTask = {},
  ): ActivityTestRun<ActivityResult<Activity>> {
    const carrier = this.carrierOf(activity);
    const [activityType = ""] = carrier.activityTypes;
    const envelope = buildTaskInput({ ...task, now: this.clock.now(), activityType, args });
    const record = { began: this.clock.now(), said: [], sent: [] };
    this.runs.set(envelope.task.activity_attempt_id, record);
    return new ActivityTestRun(carrier, envelope, record);
  }

  /**
   * Starts an activity and waits for its value. Time stands still meanwhile: for an activity that waits use `start` and
   * `advance`.
   *
   * @throws {ActivityTaskFailed} when it fails
   */
  async run<Activity extends ActivityHandler>(
    activity: Activity,
    args: ActivityArguments<Activity>,
    task: ActivityTestTask = {},
  ): Promise<ActivityResult<Activity>> {
    return this.start(activity, args, task).value();
  }

  /** Moves time on by so many milliseconds: timers fire in order, and promises settle in between. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  private carrierOf(activity: ActivityHandler): InvocableActivityHandler {
    let carrier = this.carriers.get(activity);
    if (carrier === undefined) {
      const name = typeof activity === "function" && activity.name !== "" ? activity.name : "test.activity";
      carrier = new InvocableActivityHandler(new Map([[name, activity]]), this.options);
      this.carriers.set(activity, carrier);
    }
    return carrier;
  }

  private record(attemptId: string, what: "said" | "sent", progress: HeartbeatProgress | undefined): void {
    const run = this.runs.get(attemptId);
    run?.[what].push({ atMs: this.clock.now() - run.began, progress });
  }
}

interface RunRecord {
  readonly began: number;
  readonly said: RecordedHeartbeat[];
  readonly sent: RecordedHeartbeat[];
}

/** One run of an activity in an {@link ActivityTestEnvironment}. */
export class ActivityTestRun<Result> {
  /** The task, as the carrier got it. */
  readonly envelope: ActivityTaskInputEnvelope;
  /** Every call of `context.heartbeat`, as the handler made it. */
  readonly heartbeats: readonly RecordedHeartbeat[];
  /** Those that reached the engine: throttled, and within its limits. */
  readonly sentHeartbeats: readonly RecordedHeartbeat[];
  private readonly caller = new AbortController();
  private readonly answer: Promise<InvocableResultEnvelope>;

  /** @internal made by {@link ActivityTestEnvironment.start} */
  constructor(carrier: InvocableActivityHandler, envelope: ActivityTaskInputEnvelope, { said, sent }: RunRecord) {
    this.envelope = envelope;
    this.heartbeats = said;
    this.sentHeartbeats = sent;
    this.answer = carrier.handle(asSent(envelope), { signal: this.caller.signal });
    // What is wrong with the envelope is told to whoever asks for the result.
    this.answer.catch(() => {});
  }

  /** Cancels it, as an engine does that was asked to. */
  cancel(message?: string): void {
    this.caller.abort(new ActivityCancelled(message));
  }

  /** Ends it, as a caller does that goes away. */
  disconnect(): void {
    this.caller.abort(new CallerDisconnected());
  }

  /** The result, once the task is answered. */
  async result(): Promise<ExternalTaskResult> {
    return parseExternalTaskResult(asSent(await this.answer));
  }

  /**
   * The value, decoded as a workflow gets it.
   *
   * @throws {ActivityTaskFailed} when the activity failed
   */
  async value(): Promise<Result> {
    return valueOf(await this.result()) as Result;
  }

  /** What the failure says. @throws {Error} when the activity succeeded */
  async failure(): Promise<TaskFailureReport> {
    return failureOf(await this.result());
  }
}

/** Through JSON, as on the wire. */
function asSent(document: object): unknown {
  return JSON.parse(JSON.stringify(document));
}

function copyOf(progress: HeartbeatProgress | undefined): HeartbeatProgress | undefined {
  if (progress?.details === undefined) return progress && { ...progress };
  return { ...progress, details: { ...progress.details } };
}
