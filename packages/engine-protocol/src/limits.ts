/** Limits of the engine's API. What a carrier's heartbeat may hold is `PROGRESS_LIMITS` of the carrier's protocol. */

/** Names and ids: of workers, queues, types, attempts, in characters. */
export const LONGEST_NAME = 255;

/** The reason given for a cancellation or termination, in characters. */
export const LONGEST_STOP_REASON = 1000;

/** Events of a page of a run's history. */
export const HISTORY_PAGE = { default: 500, most: 1000 } as const;

/** Activities of a page of a list. */
export const LIST_PAGE = { default: 50, most: 200 } as const;

/** How long a poll is held where nobody says otherwise, and at most, in seconds. */
export const LONG_POLL_SECONDS = { default: 30, most: 3600 } as const;
