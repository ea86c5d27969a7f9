/** What a worker tells of itself when it registers and with each heartbeat, and what an engine shows of it. */

/** Free places of a worker. */
export interface TaskSlots {
  readonly workflow_available?: number;
  readonly activity_available?: number;
  readonly session_available?: number;
}

/** How a worker's process does. The first three, which do not change while it runs, tell it from the next one. */
export interface ProcessMetrics {
  readonly host?: string;
  readonly process_id?: number;
  readonly process_started_at?: string;
  readonly process_uptime_seconds?: number;
  readonly memory_bytes?: number;
  readonly cpu_percent?: number;
}
