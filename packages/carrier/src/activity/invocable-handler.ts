import type { JsonObject } from "../protocol/json-object.js";
import type { InvocableResultEnvelope } from "../protocol/wire.js";
import type { CallerSignal } from "./caller-signal.js";
import type { ActivityHandlers } from "./definition/registry.js";

/** What the caller of one `handle` knows beyond the envelope. */
export interface HandleOptions {
  /**
   * Ends the run when aborted: the task is answered at once with what the reason says, as a handler's own error would:
   * an `ActivityCancelled` as a cancellation, a `TimeoutError` as a timeout, most others as a retryable failure.
   */
  readonly signal?: CallerSignal | undefined;
  /**
   * Tells the handler when aborted that it should come to its end, and does not end the run: `context.signal` is aborted
   * with its reason, and what the handler does then still counts.
   */
  readonly stopping?: CallerSignal | undefined;
  /** Milliseconds until the platform ends this process, as one more deadline. */
  readonly remainingMs?: number | undefined;
  /** What `context.get` answers from the start, by the id of the key. Adapters bring what the platform gave them. */
  readonly values?: ReadonlyMap<symbol, unknown> | undefined;
}

/**
 * Takes tasks: one input envelope in, one result envelope out. An `InvocableActivityHandler` is one, and so is whatever
 * routes, watches or brings tasks to another process. Adapters take both.
 *
 * ```ts
 * const counted: InvocableHandler = {
 *   carrier: inner.carrier,
 *   activityTypes: inner.activityTypes,
 *   inputSchemas: inputSchemasOf(inner),
 *   handle: (envelope, options) => (count++, inner.handle(envelope, options)),
 * };
 * ```
 */
export interface InvocableHandler {
  /** As it stands in `metadata.carrier` of results, and in the answer to a health request. */
  readonly carrier: string;
  /** The activity types that it serves. */
  readonly activityTypes: readonly string[];
  /** Whether it was told to stop: a health request is then answered with 503. Default false. */
  readonly isShutDown?: boolean;
  /** The activities that it runs, where they are of this process: what `inputSchemas` does not say is read of them. */
  readonly handlers?: ActivityHandlers | undefined;
  /**
   * What the lists of arguments look like, in JSON Schema (2020-12), by activity type, where that is known: `inputSchemasOf(inner)`
   * of `/manifest` for one that brings tasks to another. A manifest tells of it. Default: what
   * `handlers` say.
   */
  readonly inputSchemas?: ReadonlyMap<string, JsonObject> | undefined;
  /**
   * Runs one task and says what became of it.
   *
   * @param envelope the task input envelope, parsed from JSON
   * @throws {ExternalTaskInputError} (as a rejection) when the envelope violates the contract: answered with 400. Any
   *   other error is answered with 502, which is retried, and its message is told to nobody
   */
  handle(envelope: unknown, options?: HandleOptions): Promise<InvocableResultEnvelope>;
  /**
   * Ends what runs after the grace, in milliseconds, and resolves once nothing does. `serve` calls it when it is closed.
   * Default: what runs goes on to its own end.
   */
  shutdown?(options: { readonly graceMs: number }): Promise<void>;
}

/** True for an {@link InvocableHandler}, as told apart from handlers by activity type: its `carrier` is a text. */
export function isInvocableHandler(value: unknown): value is InvocableHandler {
  if (typeof value !== "object" || value === null) return false;
  const { carrier, activityTypes, handle } = value as Partial<Record<keyof InvocableHandler, unknown>>;
  return typeof carrier === "string" && Array.isArray(activityTypes) && typeof handle === "function";
}
