import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { decodePayload, encodeAvroValue } from "@durable-workflow/carrier/payload";
import type {
  ActivityDescription,
  DescribedAttempt,
  DescribedFailure,
  HistoryEvent,
} from "@durable-workflow/engine-protocol/control";
import type { ActivityStory, AttemptStory } from "../../src/engine/story.js";
import { LISTED } from "./chain.js";
import type { ControlClient } from "./control-client.js";
import { type Expected, isLimited, type Scenario, stepOf } from "./scenario.js";

export type RecordedFailure = DescribedFailure;

/** An attempt and a description with the local engine's own additions. */
export interface RecordedAttempt extends DescribedAttempt {
  readonly failure: RecordedFailure | null;
}

export interface Recorded extends Omit<ActivityDescription, "failure" | "attempts"> {
  readonly failure: RecordedFailure | null;
  readonly attempts: readonly RecordedAttempt[];
}

export interface AuditOptions {
  /** Attempts beyond the policy that may be: those whose leases ran out. Default 0. */
  readonly allowance?: number;
  /** Ends that an attempt may have whatever its step does, as the network, clocks and processes are at fault. */
  readonly isDisturbance?: (attempt: RecordedAttempt) => boolean;
}

/** Everything that is wrong with what the engine says of the activities; and what it says. */
export class Audit {
  readonly wrong: string[] = [];
  readonly recorded: Recorded[] = [];
  private readonly options: AuditOptions;

  constructor(options: AuditOptions = {}) {
    this.options = options;
  }

  get attempts(): readonly RecordedAttempt[] {
    return this.recorded.flatMap(({ attempts }) => attempts);
  }

  /** Reads all that the engine says of the activities. */
  async read(client: ControlClient, ids: readonly string[], all: readonly Scenario<unknown>[]): Promise<void> {
    let next = 0;
    const reader = async (): Promise<void> => {
      for (let index = next++; index < ids.length; index = next++) {
        const [id, scenario] = [ids[index], all[index]];
        if (id === undefined || scenario === undefined) return;
        const described = await client.describe(id);
        this.recorded.push(described);
        const { history, story } = await client.told(id, described.workflow_run_id);
        this.check(described, scenario);
        this.checkHistory(described, history, story);
        if (this.wrong.some((problem) => problem.startsWith(`${id} `))) {
          this.say(id, `was to do: ${scenario.steps.map(({ label }) => label).join(" | ")}`);
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, reader));
  }

  private check(described: Recorded, scenario: Scenario<unknown>): void {
    const { activity_id: id, attempts, status, attempt_count: count } = described;
    const limit = scenario.maxAttempts + (this.options.allowance ?? 0);
    if (status !== "completed" && status !== "failed") this.say(id, `is ${status}`);
    if (attempts.length === 0 || attempts.length > limit) {
      this.say(id, `took ${attempts.length} attempts of ${limit}`);
    }
    if (count !== attempts.length) this.say(id, `counts ${count} attempts and has ${attempts.length}`);
    for (const [index, attempt] of attempts.entries()) {
      if (attempt.attempt_number !== index + 1) this.say(id, `has ${attempt.attempt_number} as attempt ${index + 1}`);
      this.checkAttempt(described, attempt, scenario, index === attempts.length - 1);
    }
    this.checkEnd(described);
  }

  private checkAttempt(
    { activity_id: id, result, status: ended }: Recorded,
    attempt: RecordedAttempt,
    scenario: Scenario<unknown>,
    isLast: boolean,
  ): void {
    const { attempt_number: number, status, failure } = attempt;
    const isCompleted = status === "completed";
    const isFinal = isCompleted || isFinalFailure(failure) || number >= scenario.maxAttempts;
    if (isLast ? !isFinal : isCompleted || isFinalFailure(failure)) {
      this.say(id, `went ${isLast ? "no further than" : "on after"} attempt ${number}, ${show(attempt)}`);
    }
    if (isLast && isCompleted !== (ended === "completed")) this.say(id, `is ${ended}, its last attempt ${status}`);
    if (this.options.isDisturbance?.(attempt) === true || (isLimited(scenario) && isStopped(attempt))) return;
    const { expected } = stepOf(scenario, number);
    const problem = misfit(expected, attempt);
    if (problem !== undefined) this.say(id, `attempt ${number} ${problem}: ${show(attempt)}`);
    if (isCompleted && isLast && expected.end === "completed") {
      const told = resultMisfit(result, expected.value);
      if (told !== undefined) this.say(id, `has the result ${told}`);
    }
  }

  /** The activity ends as its last attempt did. */
  private checkEnd({ activity_id: id, failure, result, attempts, status }: Recorded): void {
    const last = attempts.at(-1);
    if (status === "completed" && failure !== null) this.say(id, "is completed, with a failure");
    if (status === "failed" && result !== null) this.say(id, "has failed, with a result");
    if (status === "failed" && last?.failure != null && !isDeepStrictEqual(failure, last.failure)) {
      this.say(id, `has failed otherwise than its last attempt: ${JSON.stringify(failure)?.slice(0, 300)}`);
    }
  }

  /** The history tells of the same attempts and the same end as the description, once. */
  private checkHistory(
    { activity_id: id, attempts, status }: Recorded,
    history: readonly HistoryEvent[],
    story: ActivityStory,
  ): void {
    history.forEach(({ sequence }, index) => {
      if (sequence !== index + 1) this.say(id, `has event ${sequence} in the place of ${index + 1}`);
    });
    const ends = history.filter(({ event_type: type }) =>
      /^Workflow(?:Completed|Failed|Cancelled|Terminated)$/.test(type),
    );
    const expected = status === "completed" ? "WorkflowCompleted" : "WorkflowFailed";
    if (ends.length !== 1 || ends[0]?.event_type !== expected) {
      this.say(id, `ends ${ends.map(({ event_type: type }) => type).join(" and ")}, and is ${status}`);
    }
    if (story.attempts.length !== attempts.length) {
      this.say(id, `has ${story.attempts.length} attempts in its history, ${attempts.length} in its description`);
      return;
    }
    for (const [index, told] of story.attempts.entries()) {
      const attempt = attempts[index];
      if (attempt !== undefined && !agree(told, attempt)) {
        this.say(id, `tells of attempt ${index + 1} ${JSON.stringify(told).slice(0, 300)}, describes ${show(attempt)}`);
      }
    }
  }

  private say(id: string, problem: string): void {
    this.wrong.push(`${id} ${problem}`);
  }
}

function isFinalFailure(failure: RecordedFailure | null): boolean {
  return failure !== null && (failure.non_retryable || failure.type === LISTED);
}

const STOPPED_TYPES = new Set<unknown>(["ExternalTaskDeadlineExceeded", "CarrierTimeout"]);

/** Whether a limit has ended an attempt: the engine's, the carrier's, or the dispatcher's. */
function isStopped({ status, failure }: RecordedAttempt): boolean {
  return status === "timed_out" || (status === "failed" && STOPPED_TYPES.has(failure?.type));
}

/** How an attempt is recorded otherwise than its step says; undefined where it is not. */
function misfit(expected: Expected, { status, failure }: RecordedAttempt): string | undefined {
  if (expected.end === "either") return status === "completed" || status === "failed" ? undefined : "has no end";
  if (expected.end === "completed") return status === "completed" ? undefined : "was to complete";
  if (expected.end === "stopped") return "was to be stopped";
  const { type, retryable, says } = expected;
  if (status !== "failed" || failure === null) return "was to fail";
  if (Array.isArray(type) ? !type.includes(failure.type) : type !== undefined && failure.type !== type) {
    return `was to fail with ${String(type)}`;
  }
  if (retryable !== undefined && retryable === failure.non_retryable) {
    return retryable ? "was to be retried" : "was to be final";
  }
  if (says !== undefined && !failure.message.includes(says)) return `was to say ${says}`;
  return undefined;
}

/** Whether a story's attempt is the one described. */
function agree(told: AttemptStory, { status, failure }: RecordedAttempt): boolean {
  // The history has no event of a lease that ran out, but where that counts as a failed attempt.
  const expected = status !== "expired" ? status : failure === null ? "lost" : "failed";
  if (told.status !== expected) return false;
  if (told.failure === null || failure === null) return told.failure === failure;
  return (
    told.failure.type === failure.type &&
    told.failure.message === failure.message &&
    told.failure.nonRetryable === failure.non_retryable
  );
}

/** As JSON has it: codec and test may differ in what kind of number one is. */
/** What a result is, where it is not the value: undefined where it is, in its place or kept apart. */
function resultMisfit(result: unknown, expected: unknown): string | undefined {
  const reference = (result as { readonly external_payload?: { readonly sha256: string } } | null)?.external_payload;
  if (reference !== undefined) {
    const sha256 = createHash("sha256").update(encodeAvroValue(expected)).digest("hex");
    return reference.sha256 === sha256 ? undefined : JSON.stringify(reference);
  }
  const value = result === null ? null : (decodePayload(result as never) as unknown);
  return isDeepStrictEqual(plain(value), plain(expected)) ? undefined : JSON.stringify(value)?.slice(0, 80);
}

function plain(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}

function show({ status, failure }: RecordedAttempt): string {
  const { type, message = "", non_retryable: final } = failure ?? {};
  return failure === null
    ? status
    : `${status} with ${JSON.stringify({ type: type?.slice(0, 60), final, message: message.slice(0, 160) })}`;
}
