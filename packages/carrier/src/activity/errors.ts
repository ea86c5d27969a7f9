import { BrandedError, brand, brandOf } from "../protocol/brand.js";
import type { ActivityValidationError } from "./definition/validation.js";

/** What an {@link ActivityFailure} says beside its message. */
export interface ActivityFailureOptions {
  /** `failure.type` on the wire, which retry policies list as non-retryable. Default: the error's `name`. */
  readonly type?: string;
  /** Whether the engine's retry policy may run the activity again. Default true. */
  readonly retryable?: boolean;
  /** What the failure is about, for the workflow to read: any payload value. Default none. */
  readonly details?: unknown;
  /** What led to it; its stack is appended to this error's. */
  readonly cause?: unknown;
}

/**
 * A failure with everything the contract lets a handler say.
 *
 * ```ts
 * throw new ActivityFailure("the gateway is down", { type: "GatewayDown", details: { gateway: "eu-1" } });
 * ```
 */
export class ActivityFailure extends Error {
  override name = "ActivityFailure";
  readonly type: string | undefined;
  readonly retryable: boolean;
  readonly details: unknown;

  constructor(message: string, options: ActivityFailureOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    brand(this, "ActivityFailure");
    this.type = options.type;
    this.retryable = options.retryable ?? true;
    this.details = options.details;
  }
}

/**
 * A failure that running again will not mend: the engine records it and does not retry. A subclass is told apart by the
 * `name` it sets.
 */
export class NonRetryableError extends ActivityFailure {
  override name = "NonRetryableError";

  constructor(message: string, options: Omit<ActivityFailureOptions, "retryable"> = {}) {
    super(message, { ...options, retryable: false });
  }
}

/** The activity stopped because it was asked to. Thrown by a handler, or the reason of an aborted signal. Never retried. */
export class ActivityCancelled extends Error {
  override name = "ActivityCancelled";

  constructor(message = "The activity was cancelled.", options?: ErrorOptions) {
    super(message, options);
    brand(this, "ActivityCancelled");
  }
}

/** Why a run's signal was aborted: one of its deadlines passed. */
export class ExternalTaskDeadlineExceeded extends BrandedError {
  declare readonly name: "ExternalTaskDeadlineExceeded";
  /** Which: `lease.expires_at`, `deadlines.start_to_close`, ..., or `platform_limit`. */
  readonly deadline: string;
  /** When, as the envelope has it. */
  readonly expiresAt: string;

  constructor(deadline: string, expiresAt: string, when: string) {
    super("ExternalTaskDeadlineExceeded", `${deadline} passed at ${expiresAt}, ${when}.`);
    this.deadline = deadline;
    this.expiresAt = expiresAt;
  }
}

/** Why a run's signal was aborted: whoever sent the task is gone, so that nobody will read the result. */
export class CallerDisconnected extends BrandedError {
  declare readonly name: "CallerDisconnected";

  constructor() {
    super("CallerDisconnected", "The caller closed the connection.");
  }
}

/**
 * Why a run's signal was aborted: the engine, asked by a heartbeat, no longer waits for this attempt. It was completed,
 * timed out or handed to somebody else, so that nobody will read the result.
 */
export class AttemptClosed extends BrandedError {
  declare readonly name: "AttemptClosed";
  /** The engine's word for it: `attempt_closed`, `stale_attempt`, `lease_owner_mismatch`, ... */
  readonly reason: string;

  constructor(reason: string) {
    super("AttemptClosed", `The engine no longer waits for this attempt: ${reason}.`);
    this.reason = reason;
  }
}

/** Why a run's signal was aborted: this process is about to stop. */
export class CarrierShutdown extends BrandedError {
  declare readonly name: "CarrierShutdown";

  constructor() {
    super("CarrierShutdown", "The carrier is shutting down.");
  }
}

/**
 * What the carrier aborts a run's signal with. `signal.reason` is typed as anything: tell these apart with the guards
 * below. A signal that the caller of `handle` brought may have any other reason too.
 */
export type ActivityAbortReason =
  | ExternalTaskDeadlineExceeded
  | ActivityCancelled
  | CallerDisconnected
  | AttemptClosed
  | CarrierShutdown;

/** True for an {@link ActivityFailure} (a {@link NonRetryableError} included) of any copy of this library. */
export function isActivityFailure(value: unknown): value is ActivityFailure {
  return brandOf(value) === "ActivityFailure";
}

/** True for an {@link ActivityFailure} that must not be retried, of any copy of this library. */
export function isNonRetryable(value: unknown): value is ActivityFailure {
  return isActivityFailure(value) && value.retryable === false;
}

/** True for an {@link ActivityCancelled} of any copy of this library. */
export function isActivityCancelled(value: unknown): value is ActivityCancelled {
  return brandOf(value) === "ActivityCancelled";
}

/** True for an {@link ExternalTaskDeadlineExceeded} of any copy of this library. */
export function isExternalTaskDeadlineExceeded(value: unknown): value is ExternalTaskDeadlineExceeded {
  return brandOf(value) === "ExternalTaskDeadlineExceeded";
}

/** True for a {@link CallerDisconnected} of any copy of this library. */
export function isCallerDisconnected(value: unknown): value is CallerDisconnected {
  return brandOf(value) === "CallerDisconnected";
}

/** True for an {@link AttemptClosed} of any copy of this library. */
export function isAttemptClosed(value: unknown): value is AttemptClosed {
  return brandOf(value) === "AttemptClosed";
}

/** True for a {@link CarrierShutdown} of any copy of this library. */
export function isCarrierShutdown(value: unknown): value is CarrierShutdown {
  return brandOf(value) === "CarrierShutdown";
}

/** True for an {@link ActivityValidationError} of any copy of this library. */
export function isActivityValidationError(value: unknown): value is ActivityValidationError {
  return brandOf(value) === "ActivityValidationError";
}
