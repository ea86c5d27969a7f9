import { describe, expect, it } from "vitest";
import { PayloadError } from "../payload/errors.js";
import { parseExternalPayloadReference } from "../protocol/payload-reference.js";
import { ExternalPayloadIntegrityError, ExternalStorageError, type ExternalStorageErrorCode } from "./errors.js";
import { externalStorageFailure } from "./failures.js";

describe("what a failed transfer is called", () => {
  it.each<[ExternalStorageErrorCode, string, string, boolean]>([
    ["no_driver", "unsupported_payload_reference", "UnsupportedPayloadReference", false],
    ["foreign_reference", "unsupported_payload_reference", "UnsupportedPayloadReference", false],
    ["expired_reference", "unsupported_payload_reference", "UnsupportedPayloadReference", false],
    ["oversized_reference", "unsupported_payload_reference", "UnsupportedPayloadReference", false],
    ["not_found", "application_error", "ExternalPayloadNotFound", true],
    ["access_denied", "application_error", "ExternalStorageAccessDenied", true],
    ["unavailable", "application_error", "ExternalStorageUnavailable", true],
  ])("%s", (code, classification, type, retryable) => {
    expect(externalStorageFailure(new ExternalStorageError(code, "What happened."))).toEqual({
      classification,
      type,
      message: "What happened.",
      retryable,
      details: { reason: code },
    });
  });

  it("an integrity error", () => {
    expect(externalStorageFailure(new ExternalPayloadIntegrityError("size", "7", "more"))).toEqual({
      classification: "decode_failure",
      type: "ExternalPayloadIntegrityError",
      message: "The stored payload is not the one referred to: its size in bytes is more, not 7.",
      retryable: false,
      details: { check: "size", expected: "7", received: "more" },
    });
  });

  it("a reference that is none", () => {
    const error: unknown = (() => {
      try {
        return parseExternalPayloadReference({});
      } catch (reason) {
        return reason;
      }
    })();
    expect(externalStorageFailure(error)).toMatchObject({
      classification: "unsupported_payload_reference",
      type: "UnsupportedPayloadReference",
      retryable: false,
      details: { reason: "invalid_reference", field: "schema" },
    });
  });

  it.each([
    new PayloadError("invalid_payload_framing", "x"),
    new Error("x"),
    Object.assign(new Error("x"), { name: "ExternalStorageError", code: "unavailable" }),
    undefined,
    null,
    "text",
  ])("nothing for %s", (error) => {
    expect(externalStorageFailure(error)).toBeUndefined();
  });
});
