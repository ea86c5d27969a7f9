import {
  type ContractViolation,
  EXTERNAL_PAYLOAD_REFERENCE_SCHEMA,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_RESULT_SCHEMA,
  externalPayloadReferenceViolations,
  externalTaskInputViolations,
  externalTaskResultViolations,
  INVALID_INVOCABLE_REQUEST,
  type JsonObject,
} from "@durable-workflow/carrier/protocol";
import { isObject, textAt } from "@durable-workflow/engine-protocol";
import type { RetryRule } from "@durable-workflow/engine-protocol/control";
import { CONFIG_SCHEMA } from "@durable-workflow/engine-protocol/executor-config";
import { PAYLOAD_REFERENCE_SCHEMA } from "@durable-workflow/engine-protocol/external-payloads";
import type { Violation } from "../report/violation.js";
import { inspectArtifact } from "./artifact.js";
import { inspectClusterInfo } from "./cluster-info.js";
import { inspectContract, isContract } from "./contract.js";
import { inspectEngineRefusal, isEngineRefusal } from "./engine-refusal.js";
import { inspectExchange } from "./exchange.js";
import { inspectExecutorConfig } from "./executor-config.js";
import { everywhere, facts, type Inspection, inspection, violationsAt } from "./inspection.js";
import { inspectBlob, inspectPayload, inspectReference } from "./payload.js";
import { inspectPollAnswer } from "./poll-answer.js";
import { inspectRegistration } from "./registration.js";
import { inspectRuntimeReference, inspectUploadAnswer, isUploadAnswer } from "./runtime-payload.js";
import { inspectStoragePolicy } from "./storage-policy.js";
import { inspectTaskInput } from "./task-input.js";
import { inspectTaskResult } from "./task-result.js";

export interface InspectOptions {
  /** Milliseconds since the epoch: what deadlines are relative to. */
  readonly now: number;
  /** Of the executor config. */
  readonly overlay?: string | undefined;
  /** Of the task that a result or a report is for; null where it has none, undefined where it is not known. */
  readonly policy?: RetryRule | null | undefined;
}

/** Something that a document is nearly. */
export interface NearMiss {
  readonly title: string;
  readonly violations: readonly Violation[];
}

interface Form {
  readonly matches: (document: JsonObject) => boolean;
  readonly inspect: (document: JsonObject, options: InspectOptions) => Inspection;
}

const hasSchema =
  (schema: string) =>
  (document: JsonObject): boolean =>
    document["schema"] === schema;

/** First come, first served: an artifact has the schema of its example, an exchange holds anything. */
const FORMS: readonly Form[] = [
  {
    matches: ({ request, response }) => isObject(request) && isObject(response),
    inspect: (document, options) =>
      inspectExchange(document, options.now, options.policy, (part) => recognise(part, options)),
  },
  {
    matches: (document) => typeof document["artifact"] === "string" && "example" in document,
    inspect: (document, { now }) => inspectArtifact(document, now),
  },
  {
    matches: hasSchema(EXTERNAL_TASK_INPUT_SCHEMA),
    inspect: (document, { now, policy }) => inspectTaskInput(document, now, policy),
  },
  {
    matches: hasSchema(EXTERNAL_TASK_RESULT_SCHEMA),
    inspect: (document, { now, policy }) => inspectTaskResult(document, now, policy),
  },
  {
    matches: hasSchema(EXTERNAL_PAYLOAD_REFERENCE_SCHEMA),
    inspect: (document, { now }) => inspectReference(document, now),
  },
  {
    matches: hasSchema(CONFIG_SCHEMA),
    inspect: (document, { overlay }) => inspectExecutorConfig(document, overlay),
  },
  { matches: hasSchema(PAYLOAD_REFERENCE_SCHEMA), inspect: inspectRuntimeReference },
  { matches: isUploadAnswer, inspect: inspectUploadAnswer },
  { matches: isContract, inspect: inspectContract },
  { matches: ({ worker_protocol: protocol }) => isObject(protocol), inspect: inspectClusterInfo },
  { matches: isEngineRefusal, inspect: inspectEngineRefusal },
  {
    matches: ({ worker_id: worker, registered }) => typeof worker === "string" && typeof registered === "boolean",
    inspect: inspectRegistration,
  },
  {
    matches: ({ schema, task, ...rest }) =>
      schema === undefined && !("outcome" in rest) && (task === null || (isObject(task) && "task_id" in task)),
    inspect: (document, { now }) => inspectPollAnswer(document, now),
  },
  { matches: isPolledTask, inspect: (document, { now }) => inspectPollAnswer(document, now) },
  {
    matches: ({ codec, blob, external_storage: stored, external_payload: kept }) =>
      typeof codec === "string" ? (blob ?? stored ?? kept) !== undefined : typeof blob === "string",
    inspect: (document, { now }) => inspectPayload(document, now),
  },
  { matches: ({ error }) => error === INVALID_INVOCABLE_REQUEST, inspect: inspectRefusal },
  {
    matches: ({ external_payload_storage: nested, driver, enabled }) =>
      nested !== undefined || (driver !== undefined && enabled !== undefined),
    inspect: inspectStoragePolicy,
  },
];

function isPolledTask(task: unknown): boolean {
  return isObject(task) && "task_id" in task && ("activity_type" in task || "workflow_type" in task);
}

function inspectRefusal(document: JsonObject): Inspection {
  return inspection({
    kind: "refusal",
    title: "a carrier's answer to a request whose task it could not read (400)",
    facts: facts(["error", textAt(document, "error")], ["message", textAt(document, "message")]),
    prospect: everywhere("failed", [
      "A dispatcher reports malformed_output, as non_retryable: the same envelope would be refused again.",
    ]),
  });
}

/** Inspects what a document is; undefined for nothing of the contract. */
export function recognise(document: unknown, options: InspectOptions): Inspection | undefined {
  if (typeof document === "string" && isBase64(document)) return inspectBlob(document, options.now);
  if (!isObject(document)) return undefined;
  return FORMS.find(({ matches }) => matches(document))?.inspect(document, options);
}

/** Whether a text could be the blob of a payload: what is wrong with it is then for the codec to say. */
export function isBase64(text: string): boolean {
  return /^[\w+/=\s-]{4,}$/.test(text) && !/^\s*$/.test(text);
}

/** What a document is nearly, and why it is not. */
export function nearMisses(document: unknown): readonly NearMiss[] {
  if (!isObject(document)) return [];
  const misses: NearMiss[] = [];
  const consider = (title: string, clues: readonly string[], violations: readonly ContractViolation[]): void => {
    const found = clues.filter((clue) => clue in document).length;
    if (found > 0) misses.push({ title, violations: violationsAt("", violations) });
  };
  consider("a task input", ["task", "payloads", "lease", "deadlines"], externalTaskInputViolations(document));
  consider("a task result", ["outcome", "failure", "result"], externalTaskResultViolations(document));
  consider("a payload reference", ["uri", "sha256", "size_bytes"], externalPayloadReferenceViolations(document));
  if ("carriers" in document || "mappings" in document) {
    misses.push({ title: "an executor config", violations: inspectExecutorConfig(document, undefined).violations });
  }
  if ("codec" in document) {
    const message = "must be there: a payload has codec and blob, or codec and external_payload";
    misses.push({ title: "a payload", violations: [{ path: "blob", message, code: null }] });
  }
  return misses.toSorted((left, right) => left.violations.length - right.violations.length);
}
