import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  activityTaskEnvelope,
  failureEnvelope,
  malformedOutputEnvelope,
  successEnvelope,
  withField,
  workflowTaskEnvelope,
} from "../../test/support/envelopes.js";
import { parseExternalTaskInputArtifact, parseExternalTaskResultArtifact } from "./artifacts.js";
import { isExternalTaskInputError, isExternalTaskResultError } from "./errors.js";
import type { ExternalTaskInputEnvelope, ExternalTaskResultEnvelope } from "./wire.js";

function hashOf(example: unknown): string {
  return createHash("sha256").update(JSON.stringify(example)).digest("hex");
}

function inputArtifact(example: ExternalTaskInputEnvelope = activityTaskEnvelope()) {
  return {
    artifact: "durable-workflow.v2.external-task-input.lamp.v1",
    media_type: "application/vnd.durable-workflow.external-task-input+json",
    schema: "durable-workflow.v2.external-task-input",
    version: 1,
    sha256: hashOf(example),
    example,
  };
}

function resultArtifact(example: ExternalTaskResultEnvelope = successEnvelope()) {
  return {
    artifact: "durable-workflow.v2.external-task-result.lamp.v1",
    media_type: "application/vnd.durable-workflow.external-task-result+json",
    schema: "durable-workflow.v2.external-task-result",
    version: 1,
    sha256: hashOf(example),
    example,
  };
}

const CONTRACTS = [
  {
    name: "input",
    parse: parseExternalTaskInputArtifact,
    isError: isExternalTaskInputError,
    artifact: inputArtifact(),
  },
  {
    name: "result",
    parse: parseExternalTaskResultArtifact,
    isError: isExternalTaskResultError,
    artifact: resultArtifact(),
  },
];

describe("artifacts", () => {
  it.each([[activityTaskEnvelope()], [workflowTaskEnvelope()]])("reads an input example", (example) => {
    expect(parseExternalTaskInputArtifact(inputArtifact(example)).kind).toBe(example.task.kind);
  });

  it.each([
    ["success", successEnvelope()],
    ["failure", failureEnvelope()],
    ["malformed_output", malformedOutputEnvelope()],
  ])("reads a result example: %s", (kind, example) => {
    expect(parseExternalTaskResultArtifact(resultArtifact(example)).kind).toBe(kind);
  });

  it("survives a transport that keeps the order of keys", () => {
    const pretty = JSON.stringify(inputArtifact(), null, 4);
    expect(() => parseExternalTaskInputArtifact(JSON.parse(pretty))).not.toThrow();
  });

  describe.each(CONTRACTS)("of the $name contract", ({ parse, isError, artifact }) => {
    it.each([
      ["", null, "the document must be an object, got null"],
      ["artifact", undefined, "artifact must be a string, got nothing"],
      ["artifact", artifact.schema, `artifact must be a name that starts with "${artifact.schema}.", got a string`],
      [
        "artifact",
        `x.${artifact.artifact}`,
        `artifact must be a name that starts with "${artifact.schema}.", got a string`,
      ],
      ["media_type", "application/json", `media_type must be "${artifact.media_type}", got "application/json"`],
      ["media_type", undefined, `media_type must be "${artifact.media_type}", got nothing`],
      [
        "schema",
        `${artifact.schema}.contract`,
        `schema must be "${artifact.schema}", got "${artifact.schema}.contract"`,
      ],
      ["version", 2, "version must be 1, got 2"],
      ["version", "1", 'version must be 1, got "1"'],
      ["sha256", undefined, "sha256 must be a string, got nothing"],
      ["sha256", "", `sha256 must be ${artifact.sha256}, the SHA-256 of the example, got an empty string`],
      ["sha256", hashOf({}), `sha256 must be ${artifact.sha256}, the SHA-256 of the example, got a string`],
      ["sha256", ` ${artifact.sha256}`, `sha256 must be ${artifact.sha256}, the SHA-256 of the example, got a string`],
      ["example", JSON.stringify(artifact.example), "example must be an object, got a string"],
      ["example", undefined, "example must be an object, got nothing"],
    ])("refuses %s of %j", (path, value, message) => {
      expect(() => parse(withField(artifact, path, value))).toThrow(expect.objectContaining({ path, message }));
    });

    it("throws the error of its contract", () => {
      expect(() => parse({})).toThrow(expect.toSatisfy(isError));
    });

    it("takes the hash in upper case too", () => {
      expect(() => parse({ ...artifact, sha256: artifact.sha256.toUpperCase() })).not.toThrow();
    });

    it("refuses an example that was changed", () => {
      const changed = withField(artifact, "example.task.attempt", 3);
      expect(() => parse(changed)).toThrow(expect.objectContaining({ path: "sha256" }));
    });

    it("refuses an example whose keys were reordered", () => {
      const reordered = Object.fromEntries(Object.entries(artifact.example).toReversed());
      expect(reordered).toEqual(artifact.example);
      expect(() => parse({ ...artifact, example: reordered })).toThrow(expect.objectContaining({ path: "sha256" }));
    });

    it("refuses an example that violates the contract, though its hash is right", () => {
      const example = withField(artifact.example, "task.attempt", 0);
      const message = "task.attempt must be an integer >= 1, got 0";
      expect(() => parse({ ...artifact, example, sha256: hashOf(example) })).toThrow(message);
    });
  });

  it("refuses an artifact of the other contract", () => {
    expect(() => parseExternalTaskInputArtifact(resultArtifact())).toThrow(
      expect.objectContaining({ path: "artifact" }),
    );
    expect(() => parseExternalTaskResultArtifact(inputArtifact())).toThrow(
      expect.objectContaining({ path: "artifact" }),
    );
  });
});
