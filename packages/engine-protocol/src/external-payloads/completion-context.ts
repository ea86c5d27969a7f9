import { type ContractViolation, describeReceived, isObject } from "@durable-workflow/carrier/protocol";
import { parseJson } from "../fields.js";
import { LONGEST_NAME } from "../limits.js";
import { COMPLETION_CONTEXT_SCHEMA } from "./schemas.js";

/** The longest context that is sent or read, in UTF-8 bytes of its JSON. */
export const LONGEST_COMPLETION_CONTEXT = 4096;

/** Where in a report the payload will stand. */
export type CompletionSlot = readonly ["result"] | readonly ["failure", "details"];

/**
 * Says of an upload which report it is for, so that an engine that takes nothing new still takes it. Sent with the repeat of
 * an upload that was refused with `storage_pressure` while the storage drains, and never before.
 */
export interface CompletionContext {
  readonly schema: typeof COMPLETION_CONTEXT_SCHEMA;
  readonly kind: "activity";
  readonly task_id: string;
  /** The attempt's id. */
  readonly attempt: string;
  readonly lease_owner: string;
  readonly operation: "complete" | "fail";
  readonly slot: CompletionSlot;
}

/** The completion context of an attempt, for uploads of its result or failure. */
export function completionContext(
  { taskId, attemptId, leaseOwner }: Readonly<Record<"taskId" | "attemptId" | "leaseOwner", string>>,
  operation: CompletionContext["operation"],
): CompletionContext {
  return {
    schema: COMPLETION_CONTEXT_SCHEMA,
    kind: "activity",
    task_id: taskId,
    attempt: attemptId,
    lease_owner: leaseOwner,
    operation,
    slot: operation === "complete" ? ["result"] : ["failure", "details"],
  };
}

/** As the header carries it: compact, and in ASCII, since headers know nothing else. */
export function writeCompletionContext(context: CompletionContext): string {
  return JSON.stringify(context).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A completion context that was read, or what is wrong with it. */
export type ReadCompletionContext =
  | { readonly context: CompletionContext; readonly violations?: never }
  | { readonly context?: never; readonly violations: readonly ContractViolation[] };

const KEYS: ReadonlySet<string> = new Set<keyof CompletionContext>([
  "schema",
  "kind",
  "task_id",
  "attempt",
  "lease_owner",
  "operation",
  "slot",
]);

/** Reads the header: exactly its seven keys; ids of 1 to 255 bytes without control characters; the slot of the operation. */
export function readCompletionContext(text: string): ReadCompletionContext {
  const document = text.length > LONGEST_COMPLETION_CONTEXT ? undefined : parseJson(text);
  if (!isObject(document)) {
    const expected = `a JSON object of at most ${LONGEST_COMPLETION_CONTEXT} bytes`;
    return { violations: [{ path: "", expected, received: describeReceived(document) }] };
  }
  const violations: ContractViolation[] = [];
  const check = (key: keyof CompletionContext, expected: string, ok: boolean): void => {
    if (!ok) violations.push({ path: key, expected, received: describeReceived(document[key]) });
  };
  check("schema", JSON.stringify(COMPLETION_CONTEXT_SCHEMA), document["schema"] === COMPLETION_CONTEXT_SCHEMA);
  check("kind", '"activity"', document["kind"] === "activity");
  for (const key of ["task_id", "attempt", "lease_owner"] as const) {
    check(key, `1 to ${LONGEST_NAME} bytes without control characters`, isId(document[key]));
  }
  const operation = document["operation"];
  check("operation", '"complete" or "fail"', operation === "complete" || operation === "fail");
  const slot = operation === "fail" ? '["failure","details"]' : '["result"]';
  check("slot", slot, JSON.stringify(document["slot"]) === slot);
  if (Object.keys(document).some((key) => !KEYS.has(key))) {
    violations.push({ path: "", expected: "an object without other keys than its seven", received: "an object" });
  }
  return violations.length > 0 ? { violations } : { context: document as unknown as CompletionContext };
}

/** An id as engines give them out: not empty, not long, nothing that steers. */
function isId(value: unknown): boolean {
  if (typeof value !== "string" || value === "" || /\p{Cc}/u.test(value)) return false;
  return new TextEncoder().encode(value).length <= LONGEST_NAME;
}
