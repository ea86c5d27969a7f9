import type { JsonValue } from "@durable-workflow/carrier/payload";
import { duration } from "../report/duration.js";
import { violationLine } from "../report/violation.js";
import type { Palette } from "../shell/command.js";
import type { Outcome, OutcomeFailure } from "./outcome.js";

/** What came of a task, for people. The value, or what else there is to read, comes first. */
export function textOutcome(outcome: Outcome, paint: Palette): string {
  const { dim, green, red } = paint;
  const by =
    outcome.handler === null ? "" : ` by ${outcome.handler}${outcome.carrier === null ? "" : ` (${outcome.carrier})`}`;
  const took = dim(`${duration(outcome.durationMs)}${by}`);
  const problems = outcome.violations.map((one) => red(`  ${violationLine(one)}`));
  switch (outcome.outcome) {
    case "succeeded":
      return `${valueText(outcome)}\n${green("succeeded")} ${took}\n`;
    case "failed":
      return `${failureText(outcome.failure, paint)}${red("failed")} ${took}\n`;
    case "refused":
      return `${red(`refused with ${outcome.status}`)}${refusalText(outcome)}\n`;
    case "invalid": {
      const shown = outcome.failure === null ? refusalText(outcome) : `\n${failureText(outcome.failure, paint)}`;
      return `${red("the answer is not of the contract: a dispatcher takes it for malformed_output")}\n${problems.join("\n")}${shown}\n`;
    }
  }
}

function valueText({ value, reference }: Outcome): string {
  return reference === null ? json(value) : `the value lies in external storage: ${json(reference)}`;
}

function refusalText({ refusal }: Outcome): string {
  if (refusal === null || refusal.message === "") return "";
  return `\n${refusal.error === null ? "" : `${refusal.error}: `}${refusal.message}`;
}

function failureText(failure: OutcomeFailure | null, { bold, dim }: Palette): string {
  if (failure === null) return "";
  const { kind, classification, type, message, retryable, timeoutType, details, stackTrace } = failure;
  const facts = [`${kind} / ${classification}`, ...(timeoutType === null ? [] : [timeoutType])].join(", ");
  const lines = [
    `${bold(type ?? "failure")}: ${message}`,
    `${facts}, ${retryable ? "may be retried" : "not to be retried"}`,
    ...(details === null ? [] : [`details ${json(details)}`]),
    ...(stackTrace === null ? [] : [dim(stackTrace)]),
  ];
  return `${lines.join("\n")}\n`;
}

function json(value: JsonValue): string {
  return JSON.stringify(value, null, 2);
}
