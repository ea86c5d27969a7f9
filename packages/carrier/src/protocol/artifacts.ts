import {
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
} from "./constants.js";
import { throwInputError, throwResultError } from "./errors.js";
import { describeReceived, readLiteral, readObject, readString, type Violate } from "./fields.js";
import { sha256Hex } from "./sha256.js";
import { type ExternalTaskInput, parseExternalTaskInput } from "./task-input.js";
import { type ExternalTaskResult, externalTaskResultViolations, parseExternalTaskResult } from "./task-result.js";

/**
 * Checks a published example of the input contract (`GET /api/cluster/info`, under
 * `worker_protocol.external_task_input_contract.fixtures`) and reads its envelope: name, media type, schema and version
 * first, then the SHA-256 of the example's compact JSON.
 *
 * @param artifact `{artifact, media_type, schema, version, sha256, example}`, as parsed from JSON with its key order kept
 * @throws {ExternalTaskInputError} naming the field that is off
 */
export function parseExternalTaskInputArtifact(artifact: unknown): ExternalTaskInput {
  const contract = {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    mediaType: EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  };
  return parseExternalTaskInput(readArtifactExample(artifact, contract, throwInputError));
}

/**
 * Checks a published example of the result contract and reads its envelope, as {@link parseExternalTaskInputArtifact}
 * does for the input contract.
 *
 * @throws {ExternalTaskResultError} naming the field that is off
 */
export function parseExternalTaskResultArtifact(artifact: unknown): ExternalTaskResult {
  const contract = {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    mediaType: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
  };
  const example = readArtifactExample(artifact, contract, throwResultError);
  // A published example is the contract, to the last field.
  for (const { path, expected, received } of externalTaskResultViolations(example)) {
    throwResultError(path, expected, received);
  }
  return parseExternalTaskResult(example);
}

interface Contract {
  readonly schema: string;
  readonly version: number;
  readonly mediaType: string;
}

function readArtifactExample(value: unknown, contract: Contract, violate: Violate): unknown {
  const document = readObject(value, "", violate);
  const name = readString(document["artifact"], "artifact", violate);
  if (!name.startsWith(`${contract.schema}.`))
    violate("artifact", `a name that starts with "${contract.schema}."`, describeReceived(name));
  readLiteral(document["media_type"], contract.mediaType, "media_type", violate);
  readLiteral(document["schema"], contract.schema, "schema", violate);
  readLiteral(document["version"], contract.version, "version", violate);
  const published = readString(document["sha256"], "sha256", violate);
  const example = readObject(document["example"], "example", violate);
  const actual = sha256Hex(JSON.stringify(example));
  if (published.toLowerCase() !== actual)
    violate("sha256", `${actual}, the SHA-256 of the example`, describeReceived(published));
  return example;
}
