import type { ActivityDescription, ActivityHandle } from "../handle.js";
import { brand, isBranded } from "./brand.js";

/** What went wrong, in one word that programs can compare. */
export type ClientErrorCode =
  | "unreachable" // no connection could be made: nothing was asked of the engine
  | "start_unknown" // the answer to a start was lost, and whether the activity is there could not be found out
  | "already_running" // an activity of this id is running; `handle` is its own
  | "id_taken" // the id belongs to a workflow, or to another namespace
  | "invalid" // the arguments, or what else was asked, are not as they must be
  | "unsupported_version" // the engine speaks another version of the control plane
  | "unauthorized" // the token is missing or not known
  | "forbidden" // the token is of a role that may not do this
  | "rate_limited" // a quota is used up: `retryAfterMs`
  | "queue_draining" // the task queue takes no new activities
  | "storage_refused" // the engine's storage takes nothing now, and nothing was recorded
  | "server_error" // the engine, or what stands before it, failed
  | "not_an_engine" // what answers is no engine: a page, a redirect, a proxy
  | "refused" // the engine refuses it for a reason that is not known here
  | "wait_timeout" // `timeoutMs` has passed; the activity goes on
  | "run_replaced" // the id has a newer run, and of the one that was waited for nothing can be read
  | "not_found" // there is no such activity in this namespace
  | "payload_too_large" // the arguments are larger than the engine takes
  | "payload_unavailable" // the result is kept apart, and could not be fetched
  | "payload_invalid" // the activity succeeded, and its result cannot be read
  | "closed"; // the client was closed

/** What a `ClientError` is made of, beside its message. */
export interface ClientErrorOptions extends ErrorOptions {
  readonly retryable?: boolean | undefined;
  readonly mayHaveActed?: boolean | undefined;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly handle?: ActivityHandle<unknown> | undefined;
  readonly description?: ActivityDescription | undefined;
}

const BRAND = Symbol.for("durable-workflow.client.error");

/** Why a call of the client has no outcome. How an activity ended is an `ActivityOutcomeError`. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Whether the engine may have done what was asked. */
  readonly mayHaveActed: boolean;
  /** Of the engine's answer. */
  readonly status: number | undefined;
  /** The engine's own word for it. */
  readonly reason: string | undefined;
  /** How long the engine wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Of the activity that it is about: to look for it, or to wait for it again. */
  readonly handle: ActivityHandle<unknown> | undefined;
  /** As it stood when the waiting ended. */
  readonly description: ActivityDescription | undefined;

  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(message, "cause" in options ? options : undefined);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.mayHaveActed = options.mayHaveActed ?? false;
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.handle = options.handle;
    this.description = options.description;
    brand(this, "ClientError", BRAND);
  }
}

/**
 * True for a {@link ClientError} of any copy of this package, which `instanceof` is not.
 *
 * @param code of this code alone
 */
export function isClientError(error: unknown, code?: ClientErrorCode): error is ClientError {
  return isBranded(error, BRAND) && (code === undefined || (error as ClientError).code === code);
}
