/** What is kept of payloads that were fetched or uploaded, so that they are not fetched again. */
export const PAYLOAD_CACHE = { entries: 1024, bytes: 16 * 1024 * 1024 } as const;

/** The most that is read of an answer that refuses a payload, in bytes. */
export const PAYLOAD_ERROR_BODY_BYTES = 65_536;

/** Places that an upload may name in the reports of one lease while the storage drains. */
export const COMPLETION_SLOTS = 128;
