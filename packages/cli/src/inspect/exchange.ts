import { EXTERNAL_TASK_INPUT_SCHEMA } from "@durable-workflow/carrier/protocol";
import { at, isObject, numberAt, reasonExplained, textAt } from "@durable-workflow/engine-protocol";
import type { RetryRule } from "@durable-workflow/engine-protocol/control";
import { shownPath } from "../net/shown-url.js";
import type { Violation } from "../report/violation.js";
import { identityViolations } from "./identity.js";
import { below, everywhere, facts, type Inspection, inspection, type Prospect } from "./inspection.js";
import { payloadsAt } from "./payload.js";
import { failureProspect } from "./prospect.js";

/** Inspects a part of an exchange; undefined for what is nothing of the contract. */
type InspectPart = (document: unknown) => Inspection | undefined;

/** A recorded request with its response: of a carrier, or of the engine's API. */
export function inspectExchange(
  document: unknown,
  now: number,
  policy: RetryRule | null | undefined,
  inspectPart: InspectPart,
): Inspection {
  const path = textAt(document, "request", "path") ?? "";
  const status = numberAt(document, "response", "status");
  const request = at(document, "request", "body");
  const response = at(document, "response", "body");
  const parts = Object.entries({ request, response }).flatMap(([name, body]) => {
    const part = isObject(body) ? inspectPart(body) : undefined;
    return part === undefined ? [] : [{ name, inspection: part }];
  });
  const report = reportFindings(path, request, now);
  return inspection({
    kind: "exchange",
    title: "a recorded exchange",
    facts: facts(
      ["request", `${textAt(document, "request", "method") ?? "?"} ${path === "" ? "?" : shownPath(path)}`],
      ["server", textAt(document, "server")],
      ["status", status],
      ["outcome", textAt(response, "outcome")],
      ["recorded", recordedOf(response)],
      ["reason", textAt(response, "reason")],
    ),
    notes: [...reasonNotes(response), ...report.notes],
    payloads: report.payloads,
    violations: [...report.violations, ...carrierViolations(request, response)],
    prospect: reportProspect(path, request, response, status, policy),
    parts,
  });
}

function recordedOf(response: unknown): boolean | undefined {
  const recorded = at(response, "recorded");
  return typeof recorded === "boolean" ? recorded : undefined;
}

function reasonNotes(response: unknown): readonly string[] {
  const reason = textAt(response, "reason");
  const why = reason === undefined ? undefined : reasonExplained(reason);
  return why === undefined ? [] : [`${reason ?? ""}: ${why}`];
}

const REPORT = /\/api\/worker\/activity-tasks\/[^/]+\/(complete|fail|heartbeat)$/;

/** The payload that a report carries, and what of it the engine does not take. */
function reportFindings(
  path: string,
  request: unknown,
  now: number,
): Pick<Inspection, "payloads" | "violations" | "notes"> {
  const kind = REPORT.exec(path)?.[1];
  if (kind === "complete") return payloadsAt(request, ["result"], now);
  if (kind !== "fail") return { payloads: [], violations: [], notes: [] };
  const message = at(request, "failure", "message");
  const details = at(request, "failure", "details");
  const found = isObject(details) && "codec" in details ? payloadsAt(request, ["failure", "details"], now) : undefined;
  const violations: Violation[] = [...(found?.violations ?? [])];
  if (typeof message !== "string" || message === "") {
    violations.push({ path: "failure.message", message: "must be a non-empty string", code: "validation_failed" });
  }
  return { payloads: found?.payloads ?? [], violations, notes: found?.notes ?? [] };
}

function reportProspect(
  path: string,
  request: unknown,
  response: unknown,
  status: number | undefined,
  policy: RetryRule | null | undefined,
): Prospect | null {
  const kind = REPORT.exec(path)?.[1];
  if (kind === "heartbeat") return heartbeatProspect(response);
  if (kind === undefined) return null;
  if (status !== undefined && status !== 200) {
    return everywhere("ignored", ["Nothing is recorded by this request."]);
  }
  if (kind === "complete") {
    return everywhere("completed", ["The attempt and its activity are completed."]);
  }
  const failure = at(request, "failure");
  const type = textAt(failure, "type") ?? null;
  const hasDetails = isObject(failure) && "details" in failure;
  const nonRetryable = at(failure, "non_retryable") === true;
  const prospect = failureProspect({ nonRetryable, hasDetails, type, policy, attempt: undefined });
  const retryable = at(failure, "retryable");
  const unheard =
    retryable === false && !nonRetryable
      ? ["retryable false decides nothing: only non_retryable true does."]
      : ["kind, cancelled and malformed_output decide nothing."];
  return { ...prospect, explanation: [...prospect.explanation, ...unheard] };
}

function heartbeatProspect(response: unknown): Prospect {
  const goesOn = at(response, "can_continue");
  const what =
    goesOn === false
      ? "The handler should stop: what it reports later is not recorded."
      : goesOn === true
        ? "The lease is renewed, and the handler goes on."
        : "The answer does not say whether the handler may go on.";
  return everywhere(null, [what]);
}

/** A carrier's result must speak for the very task that it was sent. */
function carrierViolations(request: unknown, response: unknown): readonly Violation[] {
  if (at(request, "schema") !== EXTERNAL_TASK_INPUT_SCHEMA || !isObject(at(response, "outcome"))) return [];
  return below("response.body", identityViolations(at(request, "task"), response));
}
