/** Limits of the engine's API. What a carrier's heartbeat may hold is `PROGRESS_LIMITS` of the carrier's protocol. */

/** The longest name or id (of a worker, a queue, a type, an attempt), in characters. */
export const LONGEST_NAME = 255;

/** The longest reason that a cancellation or termination may give, in characters. */
export const LONGEST_STOP_REASON = 1000;

/** Events of a page of a run's history. */
export const HISTORY_PAGE = { default: 500, most: 1000 } as const;

/** Activities of a page of a list. */
export const LIST_PAGE = { default: 50, most: 200 } as const;

/** How long a poll is held where nobody says otherwise, and at most, in seconds. */
export const LONG_POLL_SECONDS = { default: 30, most: 3600 } as const;

/** The most that `timeout_seconds` of a poll may say to newer engines, in seconds. */
export const LONGEST_POLL_TIMEOUT_SECONDS = 60;

/** A lease is never longer: workers take no other, in seconds. */
export const LONGEST_LEASE_SECONDS = 86_400;

/** What a worker may say of its own heartbeats, in seconds. */
export const HEARTBEAT_INTERVAL_SECONDS = { least: 1, most: 3600 } as const;

/**
 * What the report of a failure may hold: UTF-8 bytes of its message and its stack trace, of its other optional parts as JSON,
 * and of the whole body. Engines keep a summary of less than 65,535 bytes.
 */
export const FAILURE_REPORT_BYTES = {
  message: 63_488,
  stackTrace: 131_072,
  metadata: 65_536,
  body: 1_048_576,
} as const;

/** Where several tasks go together: tasks of one poll's answer, reports of one request, and bytes of its body. */
export const TASK_BATCH = { tasks: 64, reports: 64, reportsBytes: 262_144 } as const;

/** How long an engine wants to be left alone, in seconds, as it says in `Retry-After`. */
export const RETRY_AFTER_SECONDS = { busy: 1, storage: 5 } as const;
