import { describeReceived } from "../../protocol/fields.js";
import type { ActivityContext } from "../context.js";

/** The rest of the way to the handler: the next interceptor, or the handler itself. Never throws, only rejects. */
export type ActivityNext = (context: ActivityContext, args: readonly unknown[]) => Promise<unknown>;

/**
 * Code around every activity of a carrier: plain functions and definitions alike.
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
 *   outside of this one, then `mapError`.
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

/**
 * Wraps the innermost function, first interceptor outermost.
 *
 * @throws {TypeError} for an interceptor that is no function, or does not return one
 */
export function applyInterceptors(
  innermost: (context: ActivityContext, args: readonly unknown[]) => unknown,
  interceptors: readonly ActivityInterceptor[],
): (context: ActivityContext, args: readonly unknown[]) => unknown {
  return interceptors.reduceRight((inner, interceptor) => {
    const next: ActivityNext = async (context, args) => inner(context, args);
    const outer: unknown = interceptor(next);
    if (typeof outer !== "function") {
      throw new TypeError(`an interceptor must return a function, got ${describeReceived(outer)}`);
    }
    return outer as typeof inner;
  }, innermost);
}

/** @throws {TypeError} for what is no list of functions */
export function checkInterceptors(interceptors: readonly ActivityInterceptor[]): readonly ActivityInterceptor[] {
  if (!Array.isArray(interceptors) || interceptors.some((interceptor) => typeof interceptor !== "function")) {
    throw new TypeError("interceptors must be a list of functions: (next) => (context, args) => result");
  }
  return interceptors;
}
