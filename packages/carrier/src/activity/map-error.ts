import type { ActivityContext, ActivityInfo } from "./context.js";
import { type ActivityFailure, isActivityCancelled, isActivityFailure } from "./errors.js";
import { quietly } from "./quietly.js";

/**
 * Says what becomes of an error that a handler or an interceptor threw: an `ActivityFailure` to report in its place, or
 * undefined to report it as it is. It is asked for everything thrown but cancellations and what schemas did not accept,
 * `ActivityFailure`s included, and not when a run is ended from outside.
 *
 * ```ts
 * const mapError: MapError = (error) =>
 *   error instanceof CardError ? new NonRetryableError(error.message, { type: "CardDeclined" }) : undefined;
 * ```
 *
 * The failure's stack is followed by that of the error it was made of. When it throws, or returns anything else, that is
 * logged, and the error reported as it is.
 */
export type MapError = (error: unknown, info: ActivityInfo) => ActivityFailure | undefined;

/** What an error was mapped to; undefined for an error to be reported as it is. Never throws. */
export function mappedError(mapError: MapError, error: unknown, context: ActivityContext): ActivityFailure | undefined {
  if (isActivityCancelled(error)) return undefined;
  let mapped: unknown;
  try {
    mapped = mapError(error, context.info);
  } catch {
    context.logger.error({}, "mapError threw; the error is reported as it is.");
    return undefined;
  }
  if (isActivityFailure(mapped)) return mapped;
  if (mapped !== undefined) {
    // Of an asynchronous one nobody would hear what it rejects with.
    quietly(() => mapped);
    context.logger.error({}, "mapError returned no ActivityFailure; the error is reported as it is.");
  }
  return undefined;
}
