import { externalTaskInputViolations, parseExternalTaskInput } from "@durable-workflow/carrier/protocol";
import { at, isObject, numberAt, textAt } from "@durable-workflow/engine-protocol";
import type { RetryRule } from "@durable-workflow/engine-protocol/control";
import type { Violation } from "../report/violation.js";
import {
  type DeadlineReport,
  everywhere,
  facts,
  type Inspection,
  inspection,
  type Prospect,
  violationsAt,
} from "./inspection.js";
import { payloadsAt } from "./payload.js";
import { failureProspect } from "./prospect.js";
import { deadlineReport, deadlineReports } from "./time.js";

/** A task input envelope, and what a carrier answers to it now. */
export function inspectTaskInput(document: unknown, now: number, policy: RetryRule | null | undefined): Inspection {
  const envelope = externalTaskInputViolations(document);
  const kind = textAt(document, "task", "kind");
  const deadlines = deadlinesOf(document, now);
  const { payloads, violations, notes } = payloadsAt(document, ["payloads", "arguments"], now);
  const unreadable = deadlines.flatMap(({ name, state }): readonly Violation[] =>
    state === "unreadable" ? [{ path: name, message: "must be an RFC 3339 timestamp", code: "decode_failure" }] : [],
  );
  const all = [...violationsAt("", envelope), ...unreadable, ...violations];
  return inspection({
    kind: "task_input",
    title: `a task input (${kind === "workflow_task" ? "workflow task" : "activity task"})`,
    violations: all,
    notes: [...notes, ...argumentNotes(payloads[0]), ...handlerNotes(document)],
    facts: facts(
      ["task", textAt(document, "task", "id")],
      ["activity type", textAt(document, "task", "handler")],
      ["attempt", numberAt(document, "task", "attempt")],
      ["task queue", textAt(document, "task", "task_queue")],
      ["idempotency key", textAt(document, "task", "idempotency_key")],
      ["execution", textAt(document, "headers", "activity_execution_id")],
      ["workflow", textAt(document, "workflow", "id")],
      ["run", textAt(document, "workflow", "run_id")],
      ["lease owner", textAt(document, "lease", "owner")],
      ["lease renewed by", textAt(document, "lease", "renewed_by")],
      ["traceparent", textAt(document, "headers", "traceparent")],
    ),
    payloads,
    deadlines,
    prospect: envelope.length > 0 ? malformedProspect() : prospect(document, all, deadlines, policy),
  });
}

function deadlinesOf(document: unknown, now: number): readonly DeadlineReport[] {
  const lease = textAt(document, "lease", "expires_at");
  return [
    ...(lease === undefined ? [] : [deadlineReport("lease.expires_at", lease, now)]),
    ...(isObject(at(document, "deadlines")) ? deadlineReports(at(document, "deadlines"), now) : []),
  ];
}

function argumentNotes(payload: Inspection["payloads"][number] | undefined): readonly string[] {
  if (payload === undefined) return ["the handler is called without arguments"];
  if (!payload.decoded) return [];
  if (payload.value === null) return ["the arguments are null: the handler is called without any"];
  if (Array.isArray(payload.value)) return [`the handler is called with ${counted(payload.value.length, "argument")}`];
  return ["the arguments are not a list: the handler is called with the value as its one argument"];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function handlerNotes(document: unknown): readonly string[] {
  const headers = at(document, "headers");
  return isObject(headers) && Object.keys(headers).length === 0
    ? ["headers is an empty object: older PHP carriers refuse that, and take [] or one entry"]
    : [];
}

function malformedProspect(): Prospect {
  return everywhere(null, [
    "A carrier answers 400: no task identity can be read, or the envelope is not of the contract.",
  ]);
}

function prospect(
  document: unknown,
  violations: readonly Violation[],
  deadlines: readonly DeadlineReport[],
  policy: RetryRule | null | undefined,
): Prospect {
  const input = parseExternalTaskInput(document);
  const fails = (answer: string, type: string, nonRetryable: boolean): Prospect => {
    const { attempt } = input.task;
    const decided = failureProspect({ nonRetryable, hasDetails: true, type, attempt, policy });
    return { ...decided, explanation: [answer, ...decided.explanation] };
  };
  if (input.kind === "workflow_task") {
    const answer = "A carrier refuses it: carriers only accept activity tasks.";
    return fails(answer, "UnsupportedExternalTaskKind", true);
  }
  const [first] = violations;
  if (first !== undefined) {
    const unsupported = first.code === "unsupported_payload_codec" || first.path.includes("external_storage");
    const what = unsupported ? "unsupported_payload" : "decode_failure";
    return fails(`A carrier answers ${what} (${first.path}); the handler is not run.`, "DecodeFailure", true);
  }
  const past = deadlines.find(({ state }) => state === "past");
  if (past !== undefined) {
    const answer = `A carrier that gets it now answers deadline_exceeded, for ${past.name}; the handler is not run.`;
    return fails(answer, "ExternalTaskDeadlineExceeded", false);
  }
  return everywhere(null, [`A carrier that gets it now runs ${input.task.handler}.`]);
}
