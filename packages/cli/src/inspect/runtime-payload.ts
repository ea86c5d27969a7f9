import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { numberAt, PATHS, textAt } from "@durable-workflow/engine-protocol";
import {
  PAYLOAD_UPLOAD_SCHEMA,
  readRuntimePayloadEnvelope,
  readRuntimePayloadReference,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { Violation } from "../report/violation.js";
import { facts, type Inspection, inspection, type PayloadReport, violationsAt } from "./inspection.js";

/** Payloads that the engine keeps, and hands out by their id. */

const HANDED_OUT = `the engine hands it out to who has a token of the namespace: GET ${PATHS.payload.replace(":reference", "ID")}`;
const RESOLVED =
  "a carrier cannot resolve it: a dispatcher fetches it, and puts codec and blob in its place, before it delivers the task";

/** An envelope that holds such a reference in place of the blob. */
export function examineRuntimePayload(
  envelope: JsonObject,
  path: string,
): { readonly payload: PayloadReport; readonly violations: readonly Violation[]; readonly notes: readonly string[] } {
  const read = readRuntimePayloadEnvelope(envelope, path);
  const size = numberAt(envelope, "external_payload", "size_bytes") ?? null;
  const codec = textAt(envelope, "codec") ?? null;
  const payload = { path, codec, held: "external", bytes: size, value: null, decoded: false } as const;
  const violations = violationsAt("", read.refusal === undefined ? [] : read.violations).map(
    ({ path: where, message }) => ({ path: where, message, code: read.refusal ?? null }),
  );
  const id = textAt(envelope, "external_payload", "reference_id") ?? "without an id";
  const name = path === "" ? "the payload" : path;
  return { payload, violations, notes: [`${name} is kept by the engine (${id}): ${RESOLVED}`] };
}

/** A reference by itself. */
export function inspectRuntimeReference(document: JsonObject): Inspection {
  const { violations = [] } = readRuntimePayloadReference(document);
  return inspection({
    kind: "payload_reference",
    title: "a reference to a payload that the engine keeps",
    violations: violationsAt("", violations),
    facts: referenceFacts(document),
    notes: [HANDED_OUT, RESOLVED, "the payload was not fetched: size and SHA-256 were not compared"],
  });
}

export function isUploadAnswer(document: JsonObject): boolean {
  return document["schema"] === PAYLOAD_UPLOAD_SCHEMA;
}

/** What an engine answers to whoever uploads a payload. */
export function inspectUploadAnswer(document: JsonObject): Inspection {
  const { reference } = document;
  const { violations = [] } = readRuntimePayloadReference(reference, "reference");
  return inspection({
    kind: "payload_upload",
    title: "an answer to the upload of a payload",
    violations: violationsAt("", violations),
    facts: referenceFacts(reference),
    notes: [
      "the same bytes of the same namespace have the same id",
      "it is removed after some time, unless a request that the engine accepts names it",
    ],
  });
}

function referenceFacts(reference: unknown): ReturnType<typeof facts> {
  return facts(
    ["reference", textAt(reference, "reference_id")],
    ["sha256", textAt(reference, "sha256")],
    ["size_bytes", numberAt(reference, "size_bytes")],
    ["codec", textAt(reference, "codec")],
  );
}
