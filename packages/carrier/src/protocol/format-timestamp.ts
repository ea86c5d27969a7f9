/** RFC 3339 in UTC with milliseconds, as in `2026-04-22T01:10:00.000Z`. */
export function formatTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
