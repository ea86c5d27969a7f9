import type { JsonValue } from "@durable-workflow/carrier/payload";
import type { ContractViolation } from "@durable-workflow/carrier/protocol";
import { type Era, forEachEra } from "@durable-workflow/engine-protocol";
import type { Violation } from "../report/violation.js";

/** What a document can turn out to be. */
export type InspectionKind =
  | "task_input"
  | "task_result"
  | "artifact"
  | "payload"
  | "payload_blob"
  | "payload_reference"
  | "poll_answer"
  | "executor_config"
  | "cluster_info"
  | "storage_policy"
  | "contract"
  | "registration"
  | "payload_upload"
  | "engine_refusal"
  | "refusal"
  | "exchange";

/** One fact worth showing. */
export interface Fact {
  readonly name: string;
  readonly value: JsonValue;
}

export interface PayloadReport {
  /** Where, as in `payloads.arguments`; empty for the document itself. */
  readonly path: string;
  readonly codec: string | null;
  /** Whether the bytes are here, or somewhere else. */
  readonly held: "inline" | "external";
  /** Of the base64 text, or as the reference says. */
  readonly bytes: number | null;
  /** The decoded value in the inspection projection, its kinds kept; null where it was not decoded. */
  readonly value: JsonValue;
  readonly decoded: boolean;
}

export interface DeadlineReport {
  /** As in `deadlines.start_to_close`. */
  readonly name: string;
  /** As sent; null where there is none. */
  readonly at: string | null;
  readonly state: "ahead" | "past" | "unreadable" | "none";
  /** Milliseconds from now; negative for past ones, null where that cannot be told. */
  readonly inMs: number | null;
}

/** What becomes of an attempt. */
export type Fate =
  | "completed" // the activity is done
  | "retried" // another attempt follows
  | "retried_while_attempts_left" // another attempt follows, if the retry policy has one left
  | "failed" // the activity has failed for good
  | "ignored"; // nothing is recorded

/** What the engine makes of it, by the era of the server; null where nothing is decided yet. */
export interface Prospect extends Readonly<Record<Era, Fate | null>> {
  readonly explanation: readonly string[];
}

/** A prospect that is the same on every server. */
export function everywhere(fate: Fate | null, explanation: readonly string[]): Prospect {
  return { ...forEachEra(() => fate), explanation };
}

/** What was found out about a document. */
export interface Inspection {
  readonly kind: InspectionKind;
  /** What it is, as in `a task input (activity task)`. */
  readonly title: string;
  /** In order, and everything in it. */
  readonly valid: boolean;
  readonly violations: readonly Violation[];
  /** Worth knowing, and no violation. */
  readonly notes: readonly string[];
  readonly facts: readonly Fact[];
  readonly payloads: readonly PayloadReport[];
  readonly deadlines: readonly DeadlineReport[];
  readonly prospect: Prospect | null;
  /** Documents within it that were inspected by themselves. */
  readonly parts: readonly { readonly name: string; readonly inspection: Inspection }[];
}

type Found = Pick<Inspection, "kind" | "title"> & Partial<Omit<Inspection, "valid">>;

/** An inspection with everything in it that was not found. Valid without violations, and with valid parts. */
export function inspection(found: Found): Inspection {
  const { violations = [], parts = [] } = found;
  return {
    notes: [],
    facts: [],
    payloads: [],
    deadlines: [],
    prospect: null,
    ...found,
    violations,
    parts,
    valid: violations.length === 0 && parts.every((part) => part.inspection.valid),
  };
}

/** Violations of the contract below a path. */
export function violationsAt(prefix: string, violations: readonly ContractViolation[]): readonly Violation[] {
  return violations.map(({ path, expected, received }) => ({
    path: joinPath(prefix, path),
    message: `must be ${expected}, got ${received}`,
    code: null,
  }));
}

/** Violations of a part, as those of the whole. */
export function below(prefix: string, violations: readonly Violation[]): readonly Violation[] {
  return violations.map(({ path, message, code }) => ({ path: joinPath(prefix, path), message, code }));
}

export function joinPath(prefix: string, path: string): string {
  return prefix === "" || path === "" ? prefix + path : `${prefix}.${path}`;
}

/** The facts that have a value. */
export function facts(...pairs: readonly (readonly [name: string, value: JsonValue | undefined])[]): readonly Fact[] {
  return pairs.flatMap(([name, value]) => (value === undefined || value === null ? [] : [{ name, value }]));
}
