import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNMET } from "../../test/support/unmet.js";
import { isExternalPayloadReferenceError } from "./errors.js";
import {
  externalPayloadReferenceViolations,
  parseExternalPayloadReference,
  schemeOf,
  serializeExternalPayloadReference,
} from "./payload-reference.js";

const SHA256 = "c68d6a353aa039885217afd2b6ad23b4c9348b87e87dd2c8cff9296dd703d361";

const VALID = {
  schema: "durable-workflow.v2.external-payload-reference.v1",
  uri: `s3://payloads/avro/c6/${SHA256}`,
  sha256: SHA256,
  size_bytes: 4020,
  codec: "avro",
};

describe("a reference", () => {
  it("is read", () => {
    expect(parseExternalPayloadReference(VALID)).toEqual({
      uri: VALID.uri,
      sha256: SHA256,
      sizeBytes: 4020,
      codec: "avro",
      expiresAt: null,
    });
  });

  it("may have unknown fields, an upper-case hash, no size to speak of, and no expiry", () => {
    const document = { ...VALID, sha256: SHA256.toUpperCase(), size_bytes: 0, expires_at: null, etag: "x" };
    expect(parseExternalPayloadReference(document)).toMatchObject({ sha256: SHA256, sizeBytes: 0, expiresAt: null });
  });

  it.each(["2026-04-22T01:10:00Z", "2026-04-22t01:10:00.123456z", "2026-04-22T01:10:00+02:00", "2016-12-31T23:59:60Z"])(
    "may expire at %s",
    (expires_at) => {
      expect(parseExternalPayloadReference({ ...VALID, expires_at }).expiresAt).toBe(expires_at);
    },
  );

  it.each([
    [
      "schema",
      "durable-workflow.v2.external-payload-reference.v2",
      '"durable-workflow.v2.external-payload-reference.v1"',
    ],
    ["uri", "", "a URI with a scheme"],
    ["uri", "/srv/payloads/x", "a URI with a scheme"],
    ["uri", "3://x", "a URI with a scheme"],
    ["sha256", "", "64 hex digits"],
    ["sha256", SHA256.slice(1), "64 hex digits"],
    ["sha256", `${SHA256}0`, "64 hex digits"],
    ["sha256", `0x${SHA256.slice(2)}`, "64 hex digits"],
    ["sha256", `${SHA256}\n`, "64 hex digits"],
    ["sha256", SHA256.replace("c", "g"), "64 hex digits"],
    ["codec", "json", '"avro"'],
    ["codec", "Avro", '"avro"'],
    ["codec", null, '"avro"'],
    ["expires_at", "2026-04-22T01:10:00", "an RFC 3339 timestamp with a zone"],
    ["expires_at", "2026-04-22", "an RFC 3339 timestamp with a zone"],
    ["expires_at", "2026-02-30T01:10:00Z", "an RFC 3339 timestamp with a zone"],
    ["expires_at", "tomorrow Z", "an RFC 3339 timestamp with a zone"],
    ["expires_at", "", "an RFC 3339 timestamp with a zone"],
    ["expires_at", 1_777_000_000, "a string"],
  ])("is refused with %s %j", (field, value, expected) => {
    expect(externalPayloadReferenceViolations({ ...VALID, [field]: value })).toEqual([
      { path: field, expected, received: expect.any(String) },
    ]);
  });

  const kinds = { uri: "a string", sha256: "a string", size_bytes: "an integer >= 0" };
  it.each(
    Object.entries(kinds).flatMap(([field, expected]) => UNMET[expected]!.map(([value]) => [field, value, expected])),
  )("is refused with %s %j", (field, value, expected) => {
    expect(externalPayloadReferenceViolations({ ...VALID, [String(field)]: value })).toMatchObject([
      { path: field, expected },
    ]);
  });

  it.each(UNMET["an object"]!)("is not %j", (value) => {
    expect(() => parseExternalPayloadReference(value)).toThrow(/^the document must be an object, got /);
  });

  it("is refused with an error that names the field and does not show the address", () => {
    const error: unknown = (() => {
      try {
        return parseExternalPayloadReference({ ...VALID, uri: "a secret path" });
      } catch (reason) {
        return reason;
      }
    })();
    expect(isExternalPayloadReferenceError(error)).toBe(true);
    expect(error).toMatchObject({ name: "ExternalPayloadReferenceError", path: "uri" });
    expect((error as Error).message).toBe("uri must be a URI with a scheme, got a string");
  });

  it("is written as it was read", () => {
    const reference = fc.record({
      uri: fc.webUrl({ validSchemes: ["s3", "gs", "azure-blob", "file"] }),
      sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
      sizeBytes: fc.maxSafeNat(),
      codec: fc.constant("avro" as const),
      expiresAt: fc.option(
        fc
          .date({ min: new Date(0), max: new Date("2500-01-01"), noInvalidDate: true })
          .map((date) => date.toISOString()),
      ),
    });
    fc.assert(
      fc.property(reference, (value) => {
        const wire = serializeExternalPayloadReference(value);
        expect("expires_at" in wire).toBe(value.expiresAt !== null);
        expect(parseExternalPayloadReference(JSON.parse(JSON.stringify(wire)))).toEqual(value);
      }),
    );
  });
});

it("any document is read or refused, never anything else", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.record({ schema: fc.constant(VALID.schema), uri: fc.anything() })),
      (value) => {
        try {
          parseExternalPayloadReference(value);
        } catch (error) {
          expect(isExternalPayloadReferenceError(error)).toBe(true);
        }
      },
    ),
  );
});

it.each([
  ["s3://bucket/key", "s3"],
  ["AZURE-blob://c/k", "azure-blob"],
  ["file:///srv", "file"],
  ["no scheme", undefined],
  ["://x", undefined],
])("the scheme of %s is %s", (uri, scheme) => {
  expect(schemeOf(uri)).toBe(scheme);
});

const recordings = new URL("../../../../../shared/contract/worker-protocol/", import.meta.url);

const taken = existsSync(recordings) ? readdirSync(recordings).filter((file) => /^6(?:10|24|26)-/.test(file)) : [];

if (taken.length === 0) it.skip("../shared/contract is not here: its references are read where it is");
it.each(taken)("a reference that a server took is read: %s", (file) => {
  const found: unknown[] = [];
  JSON.parse(readFileSync(new URL(file, recordings), "utf8"), (key, value: unknown) => {
    if (key === "external_storage") found.push(value);
    return value;
  });
  expect(found.length).toBeGreaterThan(0);
  for (const reference of found) expect(externalPayloadReferenceViolations(reference)).toEqual([]);
});
