/** What engines send and take, as far as the commands need it. Names as on the wire. */

export interface StartRequest {
  readonly activity_type: string;
  readonly task_queue: string;
  readonly activity_id?: string;
  readonly input?: { readonly codec: string; readonly blob: string };
  readonly business_key?: string;
  readonly retry_policy?: {
    readonly max_attempts?: number;
    readonly backoff_seconds?: readonly number[];
    readonly non_retryable_error_types?: readonly string[];
  };
  readonly start_to_close_timeout_seconds?: number;
  readonly schedule_to_start_timeout_seconds?: number;
  readonly schedule_to_close_timeout_seconds?: number;
  readonly heartbeat_timeout_seconds?: number;
}

export interface StartedActivity {
  readonly activity_id: string;
  readonly workflow_run_id: string;
  readonly activity_type: string;
  readonly task_queue: string;
}

export interface ActivityDescription {
  readonly activity_id: string;
  readonly workflow_run_id: string;
  readonly namespace: string;
  readonly activity_type: string;
  readonly activity_status: string;
  readonly attempt_count: number;
  readonly task_queue: string;
  readonly business_key: string | null;
  readonly status: string;
  readonly closed_reason: string | null;
  readonly started_at: string;
  readonly closed_at: string | null;
  readonly last_progress_at: string | null;
  readonly last_heartbeat_at: string | null;
  readonly result: unknown;
}

export interface ListedActivity {
  readonly activity_id: string;
  readonly workflow_run_id: string;
  readonly activity_type: string;
  readonly task_queue: string;
  readonly status: string;
  readonly started_at: string;
  readonly closed_at: string | null;
}

export interface ActivityPage {
  readonly activities: readonly ListedActivity[];
  readonly next_page_token: string | null;
}

export interface HistoryEvent {
  readonly sequence: number;
  readonly event_type: string;
  readonly timestamp: string;
  readonly payload: Readonly<Record<string, unknown>> | null;
}

export interface HistoryPage {
  readonly events: readonly HistoryEvent[];
  readonly next_page_token?: string | null;
}
