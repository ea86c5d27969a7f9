import { PATHS } from "@durable-workflow/engine-protocol";
import { dueAction } from "../engine/deadlines.js";
import type { Call, Reply } from "../http/call.js";
import { Fields } from "../http/fields.js";
import type { Route } from "../http/router.js";
import type { RunRecord } from "../store/records.js";
import { repairCandidates, repairPolicy } from "../wire/repair.js";
import { ADMIN_ROLES, type ApiParts } from "./parts.js";

const DEFAULT_SCAN_LIMIT = 100;
const LARGEST_SCAN_LIMIT = 1000;

/** Passes: what the engine's timers do by themselves, done at once and reported. */
export function systemRoutes(parts: ApiParts): readonly Route[] {
  const common = { plane: "control", roles: ADMIN_ROLES } as const;
  return [
    { ...common, method: "GET", pattern: PATHS.timeouts, handle: () => timeoutStatus(parts) },
    { ...common, method: "POST", pattern: PATHS.timeoutPass, handle: (call) => timeoutPass(parts, call) },
    { ...common, method: "GET", pattern: PATHS.repair, handle: () => repairStatus(parts) },
    { ...common, method: "POST", pattern: PATHS.repairPass, handle: () => repairPass(parts) },
  ];
}

/** Runs for which something is due, that the timers have not come to yet. */
function dueRuns(
  { context }: ApiParts,
  limit: number,
): { readonly timeouts: RunRecord[]; readonly leases: RunRecord[] } {
  const now = context.now();
  const timeouts: RunRecord[] = [];
  const leases: RunRecord[] = [];
  for (const run of context.store.runs.dueBy(now, limit)) {
    (dueAction(run.state, now)?.kind === "expire_lease" ? leases : timeouts).push(run);
  }
  return { timeouts, leases };
}

function timeoutStatus(parts: ApiParts): Reply {
  const { timeouts } = dueRuns(parts, DEFAULT_SCAN_LIMIT);
  return {
    status: 200,
    body: {
      expired_count: timeouts.length,
      expired_execution_ids: timeouts.map(({ executionId }) => executionId),
      scan_limit: DEFAULT_SCAN_LIMIT,
      scan_pressure: timeouts.length >= DEFAULT_SCAN_LIMIT,
    },
  };
}

async function timeoutPass({ dueTimer }: ApiParts, { body }: Call): Promise<Reply> {
  const fields = new Fields();
  const limit = fields.integer(body, "limit", { min: 1, max: LARGEST_SCAN_LIMIT }) ?? DEFAULT_SCAN_LIMIT;
  fields.check();
  const enforced = await dueTimer.pass(limit);
  const results = enforced.flatMap((one) =>
    one.kind === "timed_out"
      ? [{ execution_id: one.run.executionId, outcome: "enforced", has_retry: one.retried }]
      : [],
  );
  return {
    status: 200,
    body: { processed: results.length, enforced: results.length, skipped: 0, failed: 0, results },
  };
}

function repairStatus(parts: ApiParts): Reply {
  const { leases } = dueRuns(parts, DEFAULT_SCAN_LIMIT);
  return { status: 200, body: { policy: repairPolicy, candidates: repairCandidates(leases.length) } };
}

async function repairPass({ dueTimer }: ApiParts): Promise<Reply> {
  const enforced = await dueTimer.pass(DEFAULT_SCAN_LIMIT);
  const leases = enforced.filter(({ kind }) => kind === "lease_expired").length;
  const timeouts = enforced.length - leases;
  return {
    status: 200,
    body: {
      selected_command_contract_candidates: 0,
      backfilled_command_contracts: 0,
      command_contract_backfill_unavailable: 0,
      command_contract_failures: [],
      existing_task_failures: [],
      missing_run_failures: [],
      connection: null,
      queue: null,
      run_ids: [],
      instance_id: null,
      respect_throttle: false,
      throttled: false,
      selected_existing_task_candidates: leases,
      selected_missing_task_candidates: 0,
      selected_total_candidates: leases,
      repaired_existing_tasks: leases,
      repaired_missing_tasks: 0,
      dispatched_tasks: leases,
      deadline_expired_candidates: 0,
      deadline_expired_tasks_created: 0,
      deadline_expired_failures: [],
      activity_timeout_candidates: timeouts,
      activity_timeouts_enforced: timeouts,
      activity_timeout_failures: [],
    },
  };
}
