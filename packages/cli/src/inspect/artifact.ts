import {
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_RESULT_SCHEMA,
  isExternalTaskInputError,
  isExternalTaskResultError,
  type JsonObject,
  parseExternalTaskInputArtifact,
  parseExternalTaskResultArtifact,
} from "@durable-workflow/carrier/protocol";
import { at, isObject, textAt } from "@durable-workflow/engine-protocol";
import type { Violation } from "../report/violation.js";
import { facts, type Inspection, inspection } from "./inspection.js";
import { inspectTaskInput } from "./task-input.js";
import { inspectTaskResult } from "./task-result.js";

/** A published example: its name, media type, schema and SHA-256, then the example itself. */
export function inspectArtifact(document: JsonObject, now: number): Inspection {
  const example = at(document, "example");
  const isInput = textAt(document, "schema") === EXTERNAL_TASK_INPUT_SCHEMA;
  const part = isInput
    ? inspectTaskInput(example, now, undefined)
    : inspectTaskResult(isObject(example) ? example : {}, now, undefined);
  const violations = part.violations.filter((one) => !isPlaceholder(one));
  const notes = part.violations
    .filter(isPlaceholder)
    .map(({ path, message }) => `${path} is a placeholder, no payload: ${message}`);
  return inspection({
    kind: "artifact",
    title: "a published artifact",
    // What is wrong with the example is said of the part.
    violations: artifactViolations(document).filter(({ path }) => WRAPPER.has(path) || violations.length === 0),
    facts: facts(["artifact", textAt(document, "artifact")], ["sha256", textAt(document, "sha256")]),
    parts: [
      {
        name: "example",
        inspection: inspection({ ...part, violations, notes: [...part.notes, ...notes], prospect: null }),
      },
    ],
  });
}

/** Payloads of published examples are placeholders: an example is in order when its envelope is. */
function isPlaceholder({ code }: Violation): boolean {
  return code !== null;
}

const WRAPPER = new Set(["artifact", "media_type", "sha256", "example"]);

/** The first thing that is wrong with an artifact; nothing for one in order. */
export function artifactViolations(document: unknown): readonly Violation[] {
  try {
    const schema = textAt(document, "schema");
    if (schema === EXTERNAL_TASK_RESULT_SCHEMA) parseExternalTaskResultArtifact(document);
    else parseExternalTaskInputArtifact(document);
    return [];
  } catch (error) {
    if (!isExternalTaskInputError(error) && !isExternalTaskResultError(error)) throw error;
    const { path, message } = error;
    return [{ path, message: message.slice(message.indexOf(" must be ") + 1), code: null }];
  }
}
