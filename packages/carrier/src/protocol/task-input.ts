import { EXTERNAL_TASK_INPUT_SCHEMA, EXTERNAL_TASK_INPUT_VERSION, TASK_KINDS } from "./constants.js";
import { throwInputError } from "./errors.js";
import {
  type ContractViolation,
  collectViolations,
  type FieldReader,
  type JsonObject,
  readInteger,
  readList,
  readLiteral,
  readNullableObject,
  readNullableString,
  readObject,
  readOneOf,
  readString,
  type Violate,
} from "./fields.js";
import { parseTimestamp } from "./timestamps.js";

/** The engine's claim on a task: who holds it, until when, and where to renew it. */
export interface TaskLease {
  readonly owner: string;
  /** As sent; RFC 3339 by contract, checked where it is used. */
  readonly expiresAt: string;
  /** A path on the engine. */
  readonly heartbeatEndpoint: string;
  /** Who renews the lease while the handler runs; null when nobody said so. An additive field of `lease`. */
  readonly renewedBy: string | null;
  /**
   * The engine's time when the request was sent, RFC 3339; null when nobody said, or not as a timestamp. An additive field
   * of `lease`. The difference to the receiver's own clock goes for all the times of the task.
   */
  readonly sentAt: string | null;
}

/** Deadlines as sent (RFC 3339 by contract, checked where they are used); null where none was set. */
export interface TaskDeadlines {
  readonly scheduleToStart: string | null;
  readonly startToClose: string | null;
  readonly scheduleToClose: string | null;
  readonly heartbeat: string | null;
}

/** An activity task, ready for a handler. */
export interface ActivityTaskInput {
  readonly kind: "activity_task";
  readonly task: {
    readonly id: string;
    /** From 1. Counts lease-expiry redeliveries too. */
    readonly attempt: number;
    readonly activityAttemptId: string;
    readonly taskQueue: string;
    /** The activity type. */
    readonly handler: string;
    readonly connection: string | null;
    /** The engine's resolved carrier mapping, secrets redacted. */
    readonly externalExecutor: JsonObject | null;
    /** The attempt id on older servers, the execution id (stable over attempts) on newer ones. */
    readonly idempotencyKey: string;
  };
  readonly workflow: { readonly id: string; readonly runId: string };
  readonly lease: TaskLease;
  /** The payload envelope of the positional arguments, not yet decoded; null when there are none. */
  readonly arguments: JsonObject | null;
  readonly deadlines: TaskDeadlines;
  readonly headers: JsonObject;
}

/** A workflow task: for runtimes that replay workflows, never for a carrier. */
export interface WorkflowTaskInput {
  readonly kind: "workflow_task";
  readonly task: {
    readonly id: string;
    readonly attempt: number;
    readonly taskQueue: string;
    /** The workflow type. */
    readonly handler: string | null;
    readonly connection: string | null;
    readonly compatibility: string | null;
    readonly idempotencyKey: string;
  };
  readonly workflow: {
    readonly id: string;
    readonly runId: string;
    readonly status: string | null;
    readonly resume: JsonObject;
  };
  readonly lease: TaskLease;
  readonly arguments: JsonObject | null;
  readonly history: {
    readonly events: readonly unknown[];
    readonly lastSequence: number;
    readonly nextPageToken: string | null;
    readonly encoding: string | null;
  };
  readonly headers: JsonObject;
}

/** An input envelope that was read. */
export type ExternalTaskInput = ActivityTaskInput | WorkflowTaskInput;

const NO_HEADERS: JsonObject = Object.freeze({});

/**
 * Reads an external task input envelope (`durable-workflow.v2.external-task-input`, version 1).
 *
 * Unknown fields are ignored. It checks the envelope, not what is in it: the payload envelope is an object or null, and
 * timestamps are strings, because a task with a broken one still has an identity that a failure can be reported under.
 *
 * @param value a parsed JSON document
 * @throws {ExternalTaskInputError} naming the first field that violates the contract, and what was expected
 */
export function parseExternalTaskInput(value: unknown): ExternalTaskInput {
  return readTaskInput(value, throwInputError);
}

/** Every violation of the input contract in a document, in reading order; empty for a valid one. */
export function externalTaskInputViolations(value: unknown): readonly ContractViolation[] {
  return collectViolations((violate) => readTaskInput(value, violate));
}

function readTaskInput(value: unknown, violate: Violate): ExternalTaskInput {
  const document = readObject(value, "", violate);
  readLiteral(document["schema"], EXTERNAL_TASK_INPUT_SCHEMA, "schema", violate);
  readLiteral(document["version"], EXTERNAL_TASK_INPUT_VERSION, "version", violate);
  const kind = readOneOf(readObject(document["task"], "task", violate)["kind"], TASK_KINDS, "task.kind", violate);
  const parts: Parts = kind === "activity_task" ? ACTIVITY_PARTS : WORKFLOW_PARTS;
  const { payloads, ...others } = readParts(document, parts, violate);
  const headers = readHeaders(document["headers"], "headers", violate);
  // Which fields these are, only the tables below say.
  return { kind, ...others, ...payloads, headers } as unknown as ExternalTaskInput;
}

/** The parts of a document with the fields of each, by their names on the wire. Once read, names are in camel case. */
type Parts = Readonly<Record<string, Readonly<Record<string, FieldReader<unknown>>>>>;

function readParts(document: JsonObject, parts: Parts, violate: Violate): Record<string, object> {
  const all: Record<string, object> = {};
  for (const part in parts) {
    const object = readObject(document[part], part, violate);
    const read: Record<string, unknown> = {};
    for (const field in parts[part]) {
      read[camelCase(field)] = parts[part][field]?.(object[field], `${part}.${field}`, violate);
    }
    all[part] = read;
  }
  return all;
}

const inCamelCase = /* @__PURE__ */ new Map<string, string>();

function camelCase(name: string): string {
  let known = inCamelCase.get(name);
  if (known === undefined) {
    known = name.replaceAll(/_./g, ([, letter = ""]) => letter.toUpperCase());
    inCamelCase.set(name, known);
  }
  return known;
}

const readAttempt: FieldReader<number> = (value, path, violate) => readInteger(value, 1, path, violate);
const readSequence: FieldReader<number> = (value, path, violate) =>
  readInteger(value, Number.MIN_SAFE_INTEGER, path, (at, _, received) => violate(at, "an integer", received));
const readExecutor: FieldReader<JsonObject | null> = (value, path, violate) =>
  readNullableObject(value ?? null, path, violate);
// Hints that no engine knows of: an odd one is none, and no reason to drop the task.
const readHint: FieldReader<string | null> = (value) => (typeof value === "string" ? value : null);
const readInstant: FieldReader<string | null> = (value) =>
  typeof value === "string" && parseTimestamp(value) !== undefined ? value : null;
/** PHP writes an empty map as a list. */
const readHeaders: FieldReader<JsonObject> = (value, path, violate) =>
  Array.isArray(value) && value.length === 0 ? NO_HEADERS : readObject(value, path, violate);

const LEASE = {
  owner: readString,
  expires_at: readString,
  heartbeat_endpoint: readString,
  renewed_by: readHint,
  sent_at: readInstant,
};
const PAYLOADS = { arguments: readNullableObject };

const ACTIVITY_PARTS = {
  task: {
    id: readString,
    attempt: readAttempt,
    activity_attempt_id: readString,
    task_queue: readString,
    handler: readString,
    connection: readNullableString,
    external_executor: readExecutor,
    idempotency_key: readString,
  },
  workflow: { id: readString, run_id: readString },
  lease: LEASE,
  payloads: PAYLOADS,
  deadlines: {
    schedule_to_start: readNullableString,
    start_to_close: readNullableString,
    schedule_to_close: readNullableString,
    heartbeat: readNullableString,
  },
};

const WORKFLOW_PARTS = {
  task: {
    id: readString,
    attempt: readAttempt,
    task_queue: readString,
    handler: readNullableString,
    connection: readNullableString,
    compatibility: readNullableString,
    idempotency_key: readString,
  },
  workflow: { id: readString, run_id: readString, status: readNullableString, resume: readObject },
  lease: LEASE,
  payloads: PAYLOADS,
  history: {
    events: readList,
    last_sequence: readSequence,
    next_page_token: readNullableString,
    encoding: readNullableString,
  },
};
