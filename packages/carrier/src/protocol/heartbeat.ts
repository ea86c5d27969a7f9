/** How far a handler got, for people who watch. Every field is optional. */
export interface HeartbeatProgress {
  readonly message?: string;
  /** >= 0. */
  readonly current?: number;
  /** >= 0. */
  readonly total?: number;
  /** What `current` and `total` count: `rows`, `bytes`. */
  readonly unit?: string;
  /** A flat map of a few scalars. */
  readonly details?: Readonly<Record<string, unknown>>;
}
