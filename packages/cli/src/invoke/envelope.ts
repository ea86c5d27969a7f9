import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import {
  type ActivityTaskInputEnvelope,
  EXTERNAL_PAYLOAD_REFERENCE_SCHEMA,
  externalPayloadReferenceViolations,
  type JsonObject,
} from "@durable-workflow/carrier/protocol";
import { buildTaskInput, type TaskInputOptions } from "@durable-workflow/carrier/testing";
import { at, isObject, parseJson } from "@durable-workflow/engine-protocol";
import { violationsAt } from "../inspect/inspection.js";
import { parseJsonArguments } from "../options/json-arguments.js";
import { violationLine } from "../report/violation.js";
import { CliError, EXIT } from "../shell/command.js";

/** What is said of a task on the command line; the rest has the defaults of `buildTaskInput`. */
export type TaskOptions = Pick<
  TaskInputOptions,
  "taskQueue" | "attempt" | "taskId" | "idempotencyKey" | "executionId" | "headers" | "leaseMs" | "startToCloseMs"
>;

/**
 * A valid task for an activity, leased just now.
 *
 * @param argsText JSON in the notation of `parseJsonArguments`, or `{"$type": "reference", ...}` for arguments that lie in
 *   external storage
 * @throws {CliError} with exit code 2 for arguments that cannot be read
 */
export function taskEnvelope(
  activityType: string,
  argsText: string,
  options: TaskOptions = {},
): ActivityTaskInputEnvelope {
  if (activityType === "") throw new CliError(EXIT.usage, "TYPE must not be empty");
  const payload = referencePayload(argsText) ?? argumentsPayload(argsText);
  return buildTaskInput({
    taskQueue: "default",
    ...options,
    activityType,
    ...(payload === undefined ? {} : { payload }),
  });
}

function argumentsPayload(text: string): JsonObject | undefined {
  if (text.trim() === "") return undefined;
  const { codec, blob } = payloadEnvelope(parseJsonArguments(text));
  return { codec, blob };
}

/** The payload that points to arguments elsewhere; undefined where the text says no such thing. */
function referencePayload(text: string): JsonObject | undefined {
  const document = parseJson(text);
  if (at(document, "$type") !== "reference" || !isObject(document)) return undefined;
  const { $type: _, ...given } = document;
  const reference = { schema: EXTERNAL_PAYLOAD_REFERENCE_SCHEMA, codec: "avro", ...given };
  const violations = violationsAt("", externalPayloadReferenceViolations(reference));
  if (violations.length > 0) {
    const hint = 'As in {"$type":"reference","uri":"s3://bucket/key","sha256":"64 hex digits","size_bytes":12}';
    throw new CliError(EXIT.usage, `the reference is not valid: ${violations.map(violationLine).join("; ")}`, hint);
  }
  return { codec: "avro", external_storage: reference };
}
