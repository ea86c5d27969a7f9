import { decodePayload, isPayloadError, projectForJson } from "@durable-workflow/carrier/payload";
import {
  DEFAULT_PAYLOAD_LIMIT_BYTES,
  externalPayloadReferenceViolations,
  type JsonObject,
  parseExternalPayloadReference,
  parseTimestamp,
} from "@durable-workflow/carrier/protocol";
import { at, isObject } from "@durable-workflow/engine-protocol";
import { holdsRuntimePayload } from "@durable-workflow/engine-protocol/external-payloads";
import { shownUrl } from "../net/shown-url.js";
import { relativeTime } from "../report/duration.js";
import type { Violation } from "../report/violation.js";
import { aprilFrame } from "./april-frame.js";
import { type Inspection, inspection, joinPath, type PayloadReport, violationsAt } from "./inspection.js";
import { examineRuntimePayload } from "./runtime-payload.js";

/** What was found out about one payload. */
export interface PayloadFindings {
  readonly payload: PayloadReport;
  readonly violations: readonly Violation[];
  readonly notes: readonly string[];
}

/** Decodes a payload envelope, kinds kept. One that lies in external storage is not fetched. */
export function examinePayload(envelope: JsonObject, path: string, now: number): PayloadFindings {
  const { codec, blob, external_storage: reference } = envelope;
  if (holdsRuntimePayload(envelope)) return examineRuntimePayload(envelope, path);
  const codecName = typeof codec === "string" ? codec : null;
  if (blob === undefined && reference !== undefined) return examineStored(codecName, reference, path, now);
  const bytes = typeof blob === "string" ? blob.length : null;
  const base = { path, codec: codecName, held: "inline", bytes } as const;
  const notes = [...sizeNotes(bytes, path), ...extraKeyNotes(envelope, path)];
  try {
    const value = projectForJson(decodePayload(envelope, { lossless: true }));
    return { payload: { ...base, value, decoded: true }, violations: [], notes };
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    const april = typeof blob === "string" ? aprilFrame(blob) : undefined;
    const hint = april === undefined ? [] : [`${named(path)} is in the framing of April 2026, which holds ${april}`];
    const violation = { path, message: error.message.slice(error.code.length + 2), code: error.code };
    return {
      payload: { ...base, value: null, decoded: false },
      violations: [violation],
      notes: [...notes, ...hint],
    };
  }
}

function examineStored(codec: string | null, reference: unknown, path: string, now: number): PayloadFindings {
  const size = at(reference, "size_bytes");
  const violations = [
    ...violationsAt(joinPath(path, "external_storage"), externalPayloadReferenceViolations(reference)),
  ];
  if (codec !== at(reference, "codec")) {
    const message = "must be the codec of the reference too: an envelope that says otherwise is refused";
    violations.push({ path: joinPath(path, "codec"), message, code: "unsupported_payload_codec" });
  }
  return {
    payload: {
      path,
      codec,
      held: "external",
      bytes: typeof size === "number" ? size : null,
      value: null,
      decoded: false,
    },
    violations,
    notes: [`${named(path)} lies in external storage and was not fetched`, ...expiryNotes(reference, path, now)],
  };
}

function named(path: string): string {
  return path === "" ? "the payload" : path;
}

function sizeNotes(bytes: number | null, path: string): readonly string[] {
  if (bytes === null || bytes < DEFAULT_PAYLOAD_LIMIT_BYTES * 0.8) return [];
  const over = bytes > DEFAULT_PAYLOAD_LIMIT_BYTES ? "over" : "near";
  return [`${named(path)} has ${bytes} bytes, ${over} the default server limit of ${DEFAULT_PAYLOAD_LIMIT_BYTES}`];
}

function extraKeyNotes(envelope: JsonObject, path: string): readonly string[] {
  const extra = Object.keys(envelope).filter((key) => key !== "codec" && key !== "blob");
  if (extra.length === 0) return [];
  return [
    `${named(path)} has ${extra.join(", ")} beside codec and blob: carriers pass over that, but an engine takes such an object for a plain value`,
  ];
}

function expiryNotes(reference: unknown, path: string, now: number): readonly string[] {
  const expiresAt = at(reference, "expires_at");
  const ms = typeof expiresAt === "string" ? parseTimestamp(expiresAt) : undefined;
  if (ms === undefined) return [];
  const verb = ms <= now ? "has expired" : "expires";
  return [`the reference of ${named(path)} ${verb} ${relativeTime(ms - now)}: from then on it must not be read`];
}

/** A payload envelope by itself. */
export function inspectPayload(envelope: JsonObject, now: number): Inspection {
  const { payload, violations, notes } = examinePayload(envelope, "", now);
  return inspection({ kind: "payload", title: "a payload", payloads: [payload], violations, notes });
}

/** The blob of a payload, without its envelope. */
export function inspectBlob(blob: string, now: number): Inspection {
  const { payload, violations, notes } = examinePayload({ codec: "avro", blob }, "", now);
  const title = "the blob of a payload";
  return inspection({ kind: "payload_blob", title, payloads: [payload], violations, notes });
}

/** A reference to a payload in external storage. */
export function inspectReference(document: JsonObject, now: number): Inspection {
  const violations = violationsAt("", externalPayloadReferenceViolations(document));
  const title = "a reference to a payload in external storage";
  if (violations.length > 0) return inspection({ kind: "payload_reference", title, violations });
  const { uri, sha256, sizeBytes, codec, expiresAt } = parseExternalPayloadReference(document);
  const given = [
    { name: "uri", value: shownUrl(uri) },
    { name: "sha256", value: sha256 },
    { name: "size_bytes", value: sizeBytes },
    { name: "codec", value: codec },
    { name: "expires_at", value: expiresAt },
  ].filter(({ value }) => value !== null);
  const notes = ["the payload was not fetched: size and SHA-256 were not compared", ...expiryNotes(document, "", now)];
  return inspection({ kind: "payload_reference", title, facts: given, notes });
}

/** The payload at one place of a document; nothing where there is none. */
export function payloadsAt(
  document: unknown,
  path: readonly string[],
  now: number,
): { payloads: readonly PayloadReport[]; violations: readonly Violation[]; notes: readonly string[] } {
  const envelope = at(document, ...path);
  if (!isObject(envelope)) return { payloads: [], violations: [], notes: [] };
  const { payload, violations, notes } = examinePayload(envelope, path.join("."), now);
  return { payloads: [payload], violations, notes };
}
