import type { ActivityInfo } from "./context.js";
import type { ActivityInterceptor } from "./definition/interceptor.js";
import { type ActivityFailure, isActivityCancelled, isActivityFailure, isActivityValidationError } from "./errors.js";
import { quietly } from "./quietly.js";

/** An `ActivityFailure` to report in the place of an error, or undefined to report it as it is. */
export type MapError = (error: unknown, info: ActivityInfo) => ActivityFailure | undefined;

/**
 * An interceptor that says what becomes of the errors that handlers, and the interceptors inside of it, throw: put it
 * first to hear of all. It is asked for everything thrown but cancellations and what schemas did not accept,
 * `ActivityFailure`s included.
 *
 * ```ts
 * const interceptors = interceptWith(
 *   mapErrors((error) =>
 *     error instanceof CardError ? new NonRetryableError(error.message, { type: "CardDeclined" }) : undefined,
 *   ),
 * );
 * ```
 *
 * The failure's stack is followed by that of the error it was made of, unless it has a cause of its own. When `map` throws,
 * or returns anything else, that is logged, and the error reported as it is.
 *
 * @throws {TypeError} for what is no function
 */
export function mapErrors(map: MapError): ActivityInterceptor {
  if (typeof map !== "function") throw new TypeError("mapErrors needs a function: (error, info) => failure");
  return (next) => async (context, args) => {
    try {
      return await next(context, args);
    } catch (error) {
      if (isActivityCancelled(error) || isActivityValidationError(error)) throw error;
      let mapped: unknown;
      try {
        mapped = map(error, context.info);
      } catch {
        context.logger.error({}, "mapErrors: the function threw; the error is reported as it is.");
        throw error;
      }
      if (mapped === undefined) throw error;
      if (!isActivityFailure(mapped)) {
        // Of an asynchronous one nobody would hear what it rejects with.
        quietly(() => mapped);
        context.logger.error(
          {},
          "mapErrors: the function returned no ActivityFailure; the error is reported as it is.",
        );
        throw error;
      }
      throw mapped === error || mapped.cause !== undefined ? mapped : withCause(mapped, error);
    }
  };
}

/** The same failure, with a cause: the one that was given may be used for other errors too. */
function withCause(failure: ActivityFailure, cause: unknown): ActivityFailure {
  return Object.create(failure, { cause: { value: cause } }) as ActivityFailure;
}
