import { type ContractViolation, describeReceived, isObject } from "@durable-workflow/carrier/protocol";
import type { PayloadMetadata } from "./headers.js";
import { type RuntimePayloadReference, readRuntimePayloadReference } from "./reference.js";
import { PAYLOAD_TRANSPORT_VERSION, PAYLOAD_UPLOAD_SCHEMA } from "./schemas.js";

/** The answer to an upload, 201. The same bytes in the same namespace have the same reference. */
export interface PayloadUploadAnswer {
  readonly schema: typeof PAYLOAD_UPLOAD_SCHEMA;
  readonly transport_version: typeof PAYLOAD_TRANSPORT_VERSION;
  readonly reference: RuntimePayloadReference;
}

/** The answer to an upload that was read, or what is wrong with it. */
export type ReadUploadAnswer =
  | { readonly reference: RuntimePayloadReference; readonly violations?: never }
  | { readonly reference?: never; readonly violations: readonly ContractViolation[] };

/**
 * Reads the answer to an upload, and holds it against what was uploaded: a reference to other bytes would lose the payload.
 *
 * @param value a parsed JSON document
 */
export function readUploadAnswer(value: unknown, uploaded: PayloadMetadata): ReadUploadAnswer {
  if (!isObject(value)) {
    return { violations: [{ path: "", expected: "an object", received: describeReceived(value) }] };
  }
  const violations: ContractViolation[] = [];
  const expect = (path: string, expected: unknown, found: unknown): void => {
    if (found === expected) return;
    violations.push({ path, expected: JSON.stringify(expected), received: describeReceived(found) });
  };
  expect("schema", PAYLOAD_UPLOAD_SCHEMA, value["schema"]);
  expect("transport_version", PAYLOAD_TRANSPORT_VERSION, value["transport_version"]);
  const read = readRuntimePayloadReference(value["reference"], "reference");
  if (read.reference === undefined) return { violations: [...violations, ...read.violations] };
  expect("reference.codec", uploaded.codec, read.reference.codec);
  expect("reference.size_bytes", uploaded.sizeBytes, read.reference.size_bytes);
  expect("reference.sha256", uploaded.sha256, read.reference.sha256);
  return violations.length > 0 ? { violations } : { reference: read.reference };
}
