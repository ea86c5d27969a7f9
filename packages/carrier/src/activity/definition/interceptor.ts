import { describeReceived } from "../../protocol/fields.js";
import type { ActivityContext } from "../context.js";
import { type ContextSource, contextOf } from "../run/run-context.js";

/** The rest of the way to the handler: the next interceptor, or the handler itself. Never throws, only rejects. */
export type ActivityNext = (context: ActivityContext, args: readonly unknown[]) => Promise<unknown>;

/**
 * Code around every activity of a carrier, plain functions and definitions alike: see {@link interceptWith}.
 *
 * ```ts
 * const timing: ActivityInterceptor = (next) => async (context, args) => {
 *   const started = performance.now();
 *   try {
 *     return await next(context, args);
 *   } finally {
 *     context.logger.info({ elapsed_ms: performance.now() - started }, "Timed.");
 *   }
 * };
 * ```
 *
 * Interceptors form one onion: the first in the list is the outermost, sees the arguments first and the outcome last. The
 * outer function is called once for each activity, when the carrier is made; the inner one for each task whose activity
 * is known, whose arguments decode, and whose deadlines are ahead. Arguments are validated by a definition's schemas
 * inside the onion, and so is its return value.
 *
 * - Throwing before `next` fails the task without running the handler; throwing after it drops what the handler returned
 *   and fails the task all the same. What is thrown is classified like a handler's own error, and passes the interceptors
 *   outside of this one.
 * - Not calling `next` and returning a value answers the task with that value.
 * - Calling `next` with other arguments, or returning another value, changes what handler or workflow get. Calling it
 *   twice runs the handler twice.
 * - It must hand on the context it was given; values for others go in with `context.set`.
 *
 * What it cannot do: outlive the run. At a deadline, or when the signal is aborted for another reason, the task is
 * answered at once, and whatever interceptors and handler still do is dropped. It does not see tasks that never reach an
 * activity, nor what the answer says in the end (a return value may still not encode): ask `context.outcome`. With the
 * `idempotency` option, a task that is answered from another run's outcome passes no interceptor.
 */
export type ActivityInterceptor = (
  next: ActivityNext,
) => (context: ActivityContext, args: readonly unknown[]) => unknown;

/** Interceptors for a carrier's option `interceptors`. Made by {@link interceptWith}. */
export interface ActivityInterceptors {
  /** How a carrier puts them around an activity. */
  readonly "~around": (
    activity: (source: ContextSource, args: readonly unknown[]) => unknown,
  ) => (source: ContextSource, args: readonly unknown[]) => unknown;
}

/**
 * Interceptors for a carrier, the first outermost.
 *
 * ```ts
 * new InvocableActivityHandler(handlers, { interceptors: interceptWith(loggingInterceptor(), timing) });
 * ```
 *
 * @throws {TypeError} for an interceptor that is no function; a carrier refuses one that does not return a function
 */
export function interceptWith(...interceptors: readonly ActivityInterceptor[]): ActivityInterceptors {
  if (interceptors.some((interceptor) => typeof interceptor !== "function")) {
    throw new TypeError("interceptWith takes functions: (next) => (context, args) => result");
  }
  return {
    "~around": (activity) =>
      interceptors.reduceRight<typeof activity>((inner, interceptor) => {
        const outer: unknown = interceptor(async (context, args) => inner(context, args));
        if (typeof outer !== "function") {
          throw new TypeError(`an interceptor must return a function, got ${describeReceived(outer)}`);
        }
        return (source, args) => (outer as ReturnType<ActivityInterceptor>)(contextOf(source), args);
      }, activity),
  };
}
