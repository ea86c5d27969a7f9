/** Options of a single call of the client. */
export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason. What was sent may still be done. */
  readonly signal?: AbortSignal | undefined;
}

/** How to wait for the end of an activity. */
export interface WaitOptions extends CallOptions {
  /** After so many milliseconds the waiting ends with `wait_timeout`; the activity goes on. Default: never. */
  readonly timeoutMs?: number | undefined;
}

/** Where an activity stands, in the words of the engine. */
export type ActivityStatus = "running" | "completed" | "failed" | "timed_out" | "cancelled" | "terminated";

/** An activity as lists show it. */
export interface ActivitySummary {
  readonly activityId: string;
  readonly runId: string;
  /** The name that it was started by. */
  readonly type: string;
  readonly taskQueue: string;
  readonly status: ActivityStatus;
  readonly businessKey: string | null;
  /** By the engine's clock, RFC 3339 in UTC. */
  readonly startedAt: string;
  /** Null while it runs. */
  readonly closedAt: string | null;
  /** All that the engine says, as it says it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface ActivityDescription extends ActivitySummary {
  readonly namespace: string;
  /** Attempts that were begun. */
  readonly attempts: number;
  /** `pending` between attempts and before the first, `running` within one. */
  readonly stage: string;
  readonly lastHeartbeatAt: string | null;
  /** Why it failed, where the engine says it here: the local engine does. */
  readonly failure: RemoteFailure | undefined;
}

/** What the handler, or the engine, said of a failure. */
export interface RemoteFailure {
  /** The error's name. */
  readonly type: string | undefined;
  readonly message: string;
  /** Of the handler, where its side sends stacks. */
  readonly stack: string | undefined;
  /** Decoded; undefined for none. */
  readonly details: unknown;
  readonly nonRetryable: boolean;
  /** Which limit a timeout was of, as in `start_to_close`. */
  readonly timeoutType: string | undefined;
}

interface Ended {
  readonly activityId: string;
  readonly runId: string;
  readonly attempts: number;
}

/** The end of an activity that has a result. */
export interface CompletedOutcome<Result> extends Ended {
  readonly kind: "completed";
  readonly result: Result;
  readonly failure?: undefined;
}

/** The end of an activity that has no result: it failed, timed out, was cancelled or terminated. */
export interface FailedOutcome extends Ended {
  readonly kind: "failed" | "timed_out" | "cancelled" | "terminated";
  readonly result?: undefined;
  readonly failure: RemoteFailure | undefined;
}

/** How an activity has ended. */
export type ActivityOutcome<Result> = CompletedOutcome<Result> | FailedOutcome;

/** Which activities to list. */
export interface ListQuery extends CallOptions {
  /** `failed` holds those that were cancelled, terminated or timed out too. Default: all. */
  readonly bucket?: "running" | "completed" | "failed" | undefined;
  /** From 1 to 200. Default 50. */
  readonly pageSize?: number | undefined;
}

/** An activity on the engine. */
export interface ActivityHandle<Result> {
  readonly activityId: string;
  /** The run that it is pinned to; undefined for a handle that follows whichever run of the id is newest. */
  readonly runId: string | undefined;
  /** True when this client started the run, false when it was there before; undefined for a handle that was asked for by id. */
  readonly started: boolean | undefined;
  /**
   * Waits for the result, as it arrives: `undefined` has become null, and integers beyond 2^53 are bigints.
   *
   * @throws {ActivityOutcomeError} (as a rejection) when the activity ended otherwise
   * @throws {ClientError} `wait_timeout`, `not_found`, `run_replaced`, `payload_invalid` and those of any call
   */
  result(options?: WaitOptions): Promise<Result>;
  /** Waits for the end, whatever it is: a failed activity is no exception here. @throws {ClientError} as `result` */
  outcome(options?: WaitOptions): Promise<ActivityOutcome<Result>>;
  /** The newest run of the id as it stands. Repeated where the engine does not answer. @throws {ClientError} */
  describe(options?: CallOptions): Promise<ActivityDescription>;
  /** What has changed, from now on until the activity has ended. @throws {ClientError} as `result` */
  follow(options?: WaitOptions): AsyncIterable<ActivityDescription>;
  /** Asks the engine to cancel it. False when it had ended before. @throws {ClientError} */
  cancel(reason?: string, options?: CallOptions): Promise<boolean>;
  /** Ends it without asking the handler. False when it had ended before. @throws {ClientError} */
  terminate(reason?: string, options?: CallOptions): Promise<boolean>;
}
