import type { DispatcherEvent } from "@durable-workflow/dispatcher";
import type { RecordedAttempt } from "./audit.js";
import type { LogLine } from "./chain.js";

type Ended = Extract<DispatcherEvent, { type: "task_ended" }>;

export interface ToldOptions {
  /** Whether attempts may be recorded of which no dispatcher heard: answers of the engine get lost. Default false. */
  readonly answersGetLost?: boolean;
}

/**
 * What is wrong with what dispatchers told: one end for each attempt that they had, and that which is recorded; the same
 * in events, logs and metrics.
 */
export function wronglyTold(
  {
    events,
    log,
    counted,
  }: {
    readonly events: readonly DispatcherEvent[];
    readonly log: readonly LogLine[];
    readonly counted: Readonly<Record<string, number>>;
  },
  attempts: readonly RecordedAttempt[],
  { answersGetLost = false }: ToldOptions = {},
): readonly string[] {
  const wrong: string[] = [];
  const leased = countBy(events, "task_leased");
  const ends = new Map<string, Ended[]>();
  const totals: Record<string, number> = {};
  for (const event of events) {
    if (event.type !== "task_ended") continue;
    const { attemptId } = event.task;
    ends.set(attemptId, [...(ends.get(attemptId) ?? []), event]);
    totals[event.end] = (totals[event.end] ?? 0) + 1;
  }
  for (const attempt of attempts) {
    const id = attempt.activity_attempt_id;
    const told = ends.get(id) ?? [];
    const wanted = leased.get(id) ?? 0;
    if (wanted === 0 && !answersGetLost) wrong.push(`${id} was never told as leased`);
    if (told.length !== wanted)
      wrong.push(`${id} was leased ${wanted} times, and told to have ended ${told.length} times`);
    if (told.length > 1) wrong.push(`${id} was told to have ended ${told.map(({ end }) => end).join(" and ")}`);
    for (const event of told) {
      const problem = contradiction(event, attempt, answersGetLost);
      if (problem !== undefined)
        wrong.push(`${id} (${event.task.workflowId} attempt ${event.task.attempt}) ${problem}`);
    }
  }
  const known = new Set(attempts.map(({ activity_attempt_id: id }) => id));
  for (const id of ends.keys()) if (!known.has(id)) wrong.push(`${id} was told to have ended, and is not recorded`);
  for (const end of new Set([...Object.keys(totals), ...Object.keys(counted)])) {
    if (totals[end] !== counted[end]) wrong.push(`metrics count ${counted[end]} as ${end}, events ${totals[end]}`);
  }
  const logged = log.filter(({ fields }) => fields["event"] === "task_ended").length;
  const all = [...ends.values()].flat().length;
  if (logged !== all) wrong.push(`${all} ends, ${logged} lines of log`);
  return wrong;
}

/** What was recorded is what is told. */
function contradiction({ end, detail }: Ended, attempt: RecordedAttempt, answersGetLost: boolean): string | undefined {
  const { status, failure } = attempt;
  const both = `was told as ${end} (${detail}), is recorded as ${status} (${failure?.type})`;
  switch (end) {
    case "completed":
      return status === "completed" ? undefined : both;
    case "failed":
      return status === "failed" && (failure?.type ?? null) === detail ? undefined : both;
    case "superseded":
    case "lost":
      // Whose report got no answer cannot know.
      return status === "timed_out" || status === "expired" || answersGetLost ? undefined : both;
    case "abandoned":
    case "cancelled":
      return both;
  }
}

function countBy(events: readonly DispatcherEvent[], type: "task_leased"): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.type === type) counts.set(event.task.attemptId, (counts.get(event.task.attemptId) ?? 0) + 1);
  }
  return counts;
}
