import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileSchema } from "../../test/support/schemas.js";
import { parseExternalTaskInputArtifact, parseExternalTaskResultArtifact } from "./artifacts.js";
import { EXTERNAL_TASK_INPUT_SCHEMA, EXTERNAL_TASK_RESULT_SCHEMA } from "./constants.js";
import { isObject, type JsonObject } from "./fields.js";
import { parseExternalTaskInput } from "./task-input.js";
import { parseExternalTaskResult } from "./task-result.js";

/** The published contract, in a folder beside the repository. */
const CONTRACT = new URL("../../../../../shared/contract/", import.meta.url);

const INPUT_FILES = [
  ["activity-task.v1.json", "activity_task"],
  ["workflow-task.v1.json", "workflow_task"],
] as const;

const RESULT_FILES = [
  ["cancellation.v1.json", "failure", "cancelled"],
  ["decode-failure.v1.json", "failure", "decode_failure"],
  ["failure.v1.json", "failure", "deadline_exceeded"],
  ["handler-crash.v1.json", "failure", "handler_crash"],
  ["malformed-output.v1.json", "malformed_output", "malformed_output"],
  ["success.v1.json", "success", null],
  ["unsupported-payload-codec.v1.json", "failure", "unsupported_payload_codec"],
  ["unsupported-payload-reference.v1.json", "failure", "unsupported_payload_reference"],
] as const;

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, CONTRACT), "utf8"));
}

/** Every published example anywhere in a document. */
function findArtifacts(value: unknown): readonly JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(findArtifacts);
  if (!isObject(value)) return [];
  const here = "artifact" in value && "sha256" in value ? [value] : [];
  return [...here, ...Object.values(value).flatMap(findArtifacts)];
}

if (!existsSync(CONTRACT)) {
  it.skip("../shared/contract is not here: its examples are checked where it is", () => undefined);
} else {
  describe("published examples of ../shared/contract", () => {
    it.each([
      ["external-task-input", INPUT_FILES],
      ["external-task-result", RESULT_FILES],
    ])("are all listed here: %s", (folder, files) => {
      const present = readdirSync(new URL(`envelopes/${folder}/`, CONTRACT));
      expect(present.toSorted()).toEqual(files.map(([file]) => file));
    });

    const validInput = compileSchema("external-task-input");
    it.each(INPUT_FILES)("%s is an input of kind %s", (file, kind) => {
      const document = readJson(`envelopes/external-task-input/${file}`);
      expect(parseExternalTaskInput(document).kind).toBe(kind);
      expect(validInput(document), JSON.stringify(validInput.errors)).toBe(true);
    });

    const validResult = compileSchema("external-task-result");
    it.each(RESULT_FILES)("%s is a result of kind %s, classification %s", (file, kind, failureClassification) => {
      const document = readJson(`envelopes/external-task-result/${file}`);
      expect(parseExternalTaskResult(document)).toMatchObject({ kind, failureClassification });
      expect(validResult(document), JSON.stringify(validResult.errors)).toBe(true);
    });

    const artifacts = findArtifacts(readJson("worker-protocol/001-cluster-info-admin.json"));

    it("are published as artifacts too", () => {
      expect(artifacts).toHaveLength(INPUT_FILES.length + RESULT_FILES.length);
    });

    it.each(artifacts.filter(({ schema }) => schema === EXTERNAL_TASK_INPUT_SCHEMA))(
      "$artifact is sound",
      (artifact) => {
        expect(() => parseExternalTaskInputArtifact(artifact)).not.toThrow();
      },
    );

    it.each(artifacts.filter(({ schema }) => schema === EXTERNAL_TASK_RESULT_SCHEMA))(
      "$artifact is sound",
      (artifact) => {
        expect(() => parseExternalTaskResultArtifact(artifact)).not.toThrow();
      },
    );
  });
}
