import { type ActivityTaskInputEnvelope, externalTaskInputViolations } from "@durable-workflow/carrier/protocol";
import { at, isObject, numberAt, reasonExplained, textAt } from "@durable-workflow/engine-protocol";
import { type RetryRule, readRetryRule, retryIfAttemptsLeft } from "@durable-workflow/engine-protocol/control";
import { readEngineMapping } from "@durable-workflow/engine-protocol/executor-config";
import { activityTaskEnvelope, exactTimestamp, readLeasedTask } from "@durable-workflow/engine-protocol/worker";
import { shownTarget } from "../net/shown-url.js";
import { duration, relativeTime } from "../report/duration.js";
import type { Violation } from "../report/violation.js";
import { violationOf } from "./executor-config.js";
import {
  below,
  everywhere,
  type Fact,
  facts,
  type Inspection,
  inspection,
  joinPath,
  violationsAt,
} from "./inspection.js";
import { payloadsAt } from "./payload.js";
import { deadlineReport, deadlineReports } from "./time.js";

/** Less may be the way of the answer. */
const NOTICEABLE_MS = 2_000;

/** What `poll_status` says of an answer without a task. */
const EMPTY: Readonly<Record<string, string>> = {
  empty: "there is nothing to do: poll again",
  timeout: "there is nothing to do: poll again",
  leased: "the answer says that a task is leased, and has none",
  no_activity_capability: "the worker registered no activity types: it is given nothing until it does",
  throttled: "the engine is busy: poll again after Retry-After",
  unavailable: "the engine is busy: poll again after Retry-After",
  draining: "the engine wants this worker to stop polling",
};

/** An answer to a poll for activity tasks, or the task within one. */
export function inspectPollAnswer(document: unknown, now: number): Inspection {
  const isAnswer = at(document, "task") !== undefined;
  const task = isAnswer ? at(document, "task") : document;
  if (task === null) {
    const status = textAt(document, "poll_status");
    const reason = textAt(document, "reason");
    const known = [status, reason].map((word) => (word === undefined ? undefined : (EMPTY[word] ?? explained(word))));
    const why = known.find((sentence) => sentence !== undefined) ?? "there is nothing to do: poll again";
    const isSame = at(document, "retry_same_poll_request_id") === true;
    const again = numberAt(document, "retry_after_seconds");
    return inspection({
      kind: "poll_answer",
      title: "an answer to a poll, without a task",
      facts: facts(
        ["poll status", status],
        ["reason", reason],
        ["again after", again === undefined ? undefined : `${again} s`],
        ...answerFacts(document),
      ),
      notes: [
        why,
        ...(isSame ? ["it is to be sent again with the same poll_request_id: a task may be leased by it already"] : []),
      ],
    });
  }
  if (at(task, "workflow_type") !== undefined) {
    return inspection({
      kind: "poll_answer",
      title: "an answer to a poll, with a workflow task",
      facts: facts(["task", textAt(task, "task_id")], ["workflow type", textAt(task, "workflow_type")]),
      notes: ["it is for runtimes that replay workflows: a dispatcher does not poll for it, and a carrier refuses it"],
    });
  }
  const prefix = isAnswer ? "task" : "";
  const { violations, envelope } = readTask(task, prefix);
  const policy = readRetryRule(at(task, "retry_policy"));
  const {
    payloads,
    violations: broken,
    notes,
  } = payloadsAt(document, isAnswer ? ["task", "arguments"] : ["arguments"], now);
  const renewal = renewalFindings(document, task, prefix);
  const mapping = mappingFindings(at(task, "external_executor"), joinPath(prefix, "external_executor"));
  return inspection({
    kind: "poll_answer",
    title: "an answer to a poll, with an activity task",
    violations: [...violations, ...broken, ...mapping.violations, ...renewal.violations],
    notes: [...notes, ...mapping.notes, ...leaseNotes(task, policy), ...renewal.notes, ...clockNotes(document, now)],
    facts: [
      ...facts(
        ["task", textAt(task, "task_id")],
        ["activity type", textAt(task, "activity_type")],
        ["attempt", numberAt(task, "attempt_number")],
        ["attempt id", textAt(task, "activity_attempt_id")],
        ["execution", textAt(task, "activity_execution_id")],
        ["task queue", textAt(task, "task_queue")],
        ["workflow", textAt(task, "workflow_id")],
        ["run", textAt(task, "run_id")],
        ["lease owner", textAt(task, "lease_owner")],
        ["worker session", textAt(task, "worker_session", "session_id")],
        ...(isAnswer ? answerFacts(document) : []),
      ),
      ...mapping.facts,
    ],
    payloads,
    deadlines: [
      deadlineReport("lease_expires_at", textAt(task, "lease_expires_at") ?? null, now),
      ...deadlineReports(at(task, "deadlines"), now),
    ],
    prospect: envelope === undefined ? null : everywhere(null, retryExplanation(task, policy)),
  });
}

/** As the dispatcher reads it, and whether the envelope that it would send is of the contract. */
function readTask(
  task: unknown,
  prefix: string,
): { readonly violations: readonly Violation[]; readonly envelope?: ActivityTaskInputEnvelope } {
  if (!isObject(task)) return { violations: [{ path: prefix, message: "must be an object or null", code: null }] };
  const read = readLeasedTask("default", task);
  if (read.task === undefined) {
    return {
      violations: read.violations.map(({ path, expected }) => ({
        path: joinPath(prefix, path),
        message: `must be ${expected}`,
        code: null,
      })),
    };
  }
  const envelope = activityTaskEnvelope(read.task, { renewedBy: "dispatcher", traceparent: "" });
  return { violations: violationsAt("the envelope for the carrier", externalTaskInputViolations(envelope)), envelope };
}

function mappingFindings(
  executor: unknown,
  path: string,
): { readonly violations: readonly Violation[]; readonly facts: readonly Fact[]; readonly notes: readonly string[] } {
  if (!isObject(executor)) {
    return {
      violations: [],
      facts: [],
      notes: ["the engine names no carrier for it: the dispatcher's own config does"],
    };
  }
  const { mapping, errors } = readEngineMapping(executor);
  if (mapping === undefined) {
    return {
      violations: below(path, errors.map(violationOf)),
      facts: [],
      notes: [],
    };
  }
  const { carrier, handler, authRef } = mapping;
  const target = shownTarget(carrier);
  return {
    violations: [],
    facts: facts(["carrier", `${carrier.name} (${target})`], ["handler", handler], ["auth_ref", authRef]),
    notes:
      authRef === null
        ? []
        : [`the credential ${authRef} does not come with the task: the dispatcher must have it under that name`],
  };
}

function answerFacts(document: unknown): readonly (readonly [string, string | undefined])[] {
  return [
    ["engine's time", textAt(document, "server_time")],
    ["worker protocol", textAt(document, "protocol_version")],
  ];
}

/** A reason, where the engine gives one in place of a status. */
function explained(word: string): string | undefined {
  const why = reasonExplained(word);
  return why === undefined ? undefined : `${word}: ${why}`;
}

/**
 * What an answer must hold where the engine renews leases apart from heartbeats: times in one exact form, and its own. Workers
 * of released SDKs let a task go that has them otherwise.
 */
function renewalFindings(
  document: unknown,
  task: unknown,
  prefix: string,
): { readonly violations: readonly Violation[]; readonly notes: readonly string[] } {
  if (at(document, "server_capabilities", "activity_lease_renewal") !== true) return { violations: [], notes: [] };
  const deadlines = at(task, "deadlines");
  const times: readonly (readonly [path: string, value: unknown])[] = [
    ["server_time", at(document, "server_time")],
    [joinPath(prefix, "lease_expires_at"), at(task, "lease_expires_at")],
    ...Object.entries(isObject(deadlines) ? deadlines : {}).map(
      ([name, value]) => [joinPath(prefix, `deadlines.${name}`), value] as const,
    ),
  ];
  return {
    violations: times
      .filter(([, value]) => exactTimestamp(value) === undefined)
      .map(([path]) => ({
        path,
        message: "must be UTC with six digits and Z, where leases are renewed apart from heartbeats",
        code: null,
      })),
    notes: ["its lease is renewed by renew-lease, by whoever runs the task: heartbeats of the handler are its own"],
  };
}

/** Deadlines are the engine's: what counts is how they lie to its clock. */
function clockNotes(document: unknown, now: number): readonly string[] {
  const at0 = exactTimestamp(at(document, "server_time"));
  if (at0 === undefined || Math.abs(at0 - now) < NOTICEABLE_MS) return [];
  return [`the engine's time was ${relativeTime(at0 - now)} as of this look: deadlines are judged by it`];
}

function leaseNotes(task: unknown, policy: RetryRule | null): readonly string[] {
  const heartbeat = numberAt(task, "retry_policy", "heartbeat_timeout");
  return [
    "a lease that runs out gives the task to another worker at once, whatever the retry policy says, and counts as an attempt",
    ...(heartbeat === undefined
      ? []
      : [
          `the engine wants a heartbeat at least every ${heartbeat} s; servers of April 2026 count from the start, whatever comes`,
        ]),
    ...(policy === null ? ["the task has no retry policy: the first failure is the last"] : []),
  ];
}

function retryExplanation(task: unknown, policy: RetryRule | null): readonly string[] {
  const attempt = numberAt(task, "attempt_number") ?? 1;
  if (policy === null) return ["A failure ends the activity: the task has no retry policy."];
  const { maxAttempts, nonRetryableErrorTypes } = policy;
  const never =
    nonRetryableErrorTypes.length === 0
      ? []
      : [
          `Failures of type ${nonRetryableErrorTypes.join(", ")} end the activity; on servers of April 2026 only when they have details.`,
        ];
  const decision = retryIfAttemptsLeft(policy, attempt);
  if (!decision.retries) {
    return [`A failure ends the activity: attempt ${attempt} of ${maxAttempts} is the last.`, ...never];
  }
  const delay = decision.afterSeconds;
  const when = delay === 0 ? "at once" : `after ${duration(delay * 1000)}`;
  return [
    `A failure is followed by another attempt ${when}: attempt ${attempt} of ${maxAttempts}, unless it says non_retryable.`,
    ...never,
  ];
}
