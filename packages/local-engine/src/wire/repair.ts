import type { RepairCandidates, RepairPolicy } from "@durable-workflow/engine-protocol/control";

/**
 * The engine's repair report. Here leases are watched by timers, so that there is seldom anything to repair, and nothing
 * is scanned for: what has no counterpart is zero.
 */
export const repairPolicy: RepairPolicy = {
  redispatch_after_seconds: 3,
  loop_throttle_seconds: 5,
  scan_limit: 100,
  scan_strategy: "earliest_due_first",
  failure_backoff_max_seconds: 1,
  failure_backoff_strategy: "constant",
};

/** @param expiredLeases how many leases have run out and are not taken away yet */
export function repairCandidates(expiredLeases: number): RepairCandidates {
  return {
    existing_task_candidates: expiredLeases,
    missing_task_candidates: 0,
    total_candidates: expiredLeases,
    scan_limit: repairPolicy.scan_limit,
    scan_strategy: repairPolicy.scan_strategy,
    selected_existing_task_candidates: expiredLeases,
    selected_missing_task_candidates: 0,
    selected_total_candidates: expiredLeases,
    existing_task_scan_limit_reached: expiredLeases >= repairPolicy.scan_limit,
    missing_task_scan_limit_reached: false,
    scan_pressure: expiredLeases >= repairPolicy.scan_limit,
    oldest_task_candidate_created_at: null,
    oldest_missing_run_started_at: null,
    max_task_candidate_age_ms: 0,
    max_missing_run_age_ms: 0,
    scopes: [],
  };
}
