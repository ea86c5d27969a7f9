/** What an engine reports of its repairs: tasks whose lease ran out and runs that lost their task. */

export interface RepairPolicy {
  readonly redispatch_after_seconds: number;
  readonly loop_throttle_seconds: number;
  readonly scan_limit: number;
  readonly scan_strategy: string;
  readonly failure_backoff_max_seconds: number;
  readonly failure_backoff_strategy: string;
}

/** What is there to repair. Ages in milliseconds, 0 for nothing. */
export interface RepairCandidates {
  readonly existing_task_candidates: number;
  readonly missing_task_candidates: number;
  readonly total_candidates: number;
  readonly scan_limit: number;
  readonly scan_strategy: string;
  readonly selected_existing_task_candidates: number;
  readonly selected_missing_task_candidates: number;
  readonly selected_total_candidates: number;
  readonly existing_task_scan_limit_reached: boolean;
  readonly missing_task_scan_limit_reached: boolean;
  readonly scan_pressure: boolean;
  readonly oldest_task_candidate_created_at: string | null;
  readonly oldest_missing_run_started_at: string | null;
  readonly max_task_candidate_age_ms: number;
  readonly max_missing_run_age_ms: number;
  readonly scopes: readonly unknown[];
}

/** What the engine says of tasks that it repairs. */
export interface RepairStatus {
  readonly policy: RepairPolicy;
  readonly candidates: RepairCandidates;
}
