import type { ActivityInterceptor } from "./interceptor.js";

/**
 * Logs each run through `context.logger`: `debug` when it starts; when it is answered `info` for a success and a
 * cancellation, `warn` for a failure that may be retried, `error` for one that is final. Lines carry the task's fields,
 * `duration_ms` (whole milliseconds), and for failures `classification`, `failure_type` and `retryable`; never arguments,
 * results, messages or stack traces.
 *
 * ```ts
 * new InvocableActivityHandler(handlers, { logger, interceptors: interceptWith(loggingInterceptor()) });
 * ```
 *
 * Put it first in the list, so that it measures what the others do too.
 */
export function loggingInterceptor(): ActivityInterceptor {
  return (next) => (context, args) => {
    const started = performance.now();
    const { logger } = context;
    void context.outcome.then((outcome) => {
      const duration = { duration_ms: Math.round(performance.now() - started) };
      if (outcome.status === "succeeded") return logger.info(duration, "Activity completed.");
      const { classification, type, retryable } = outcome;
      const fields = { ...duration, classification, failure_type: type, retryable };
      if (classification === "cancelled") return logger.info(fields, "Activity cancelled.");
      return retryable
        ? logger.warn(fields, "Activity failed and may be retried.")
        : logger.error(fields, "Activity failed.");
    });
    logger.debug({}, "Activity started.");
    return next(context, args);
  };
}
