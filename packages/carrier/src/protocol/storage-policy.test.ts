import { describe, expect, it } from "vitest";
import { ExternalPayloadStoragePolicyError } from "./errors.js";
import { ExternalPayloadStoragePolicy } from "./storage-policy.js";

const parse = (policy: unknown) => ExternalPayloadStoragePolicy.parse(policy);

const LOCAL = { driver: "local", enabled: true, threshold_bytes: 1024, config: { uri: "file:///srv/payloads" } };

const READ = {
  enabled: true,
  driver: "local",
  thresholdBytes: 1024,
  config: { uri: "file:///srv/payloads", bucket: null, container: null, prefix: null, disk: null },
  reference: null,
  prefix: null,
  mode: null,
  status: null,
  integrityRequired: true,
};

describe("a policy", () => {
  it("is read alone, and from the namespace record that holds it", () => {
    expect(parse(LOCAL)).toEqual(READ);
    expect(parse({ name: "default", status: "active", external_payload_storage: LOCAL })).toEqual(READ);
  });

  it("is read with every field", () => {
    const policy = {
      enabled: true,
      driver: "s3",
      threshold_bytes: 0,
      config: { uri: "s3://b/p", bucket: "b", container: "c", prefix: "p", disk: "d", other: 7 },
      reference: "arn:aws:s3:::b",
      prefix: "p",
      mode: "by_reference",
      status: "ready",
      integrity_required: false,
    };
    expect(parse(policy)).toEqual({
      enabled: true,
      driver: "s3",
      thresholdBytes: 0,
      config: { uri: "s3://b/p", bucket: "b", container: "c", prefix: "p", disk: "d" },
      reference: "arn:aws:s3:::b",
      prefix: "p",
      mode: "by_reference",
      status: "ready",
      integrityRequired: false,
    });
  });

  it("may say little when it is not enabled, or has an empty map as PHP writes it", () => {
    expect(parse({ enabled: false })).toMatchObject({ enabled: false, driver: null, thresholdBytes: null });
    expect(parse({ enabled: false, driver: null, config: null })).toMatchObject({ driver: null });
    expect(parse({ ...LOCAL, config: [] }).config.uri).toBeNull();
  });

  it.each([
    ["azure", "azure-blob"],
    ["azure-blob", "azure-blob"],
    ["gcs", "gcs"],
  ])("with the driver %s has the driver %s", (driver, expected) => {
    expect(parse({ ...LOCAL, driver }).driver).toBe(expected);
  });

  it.each([
    [null, "the document must be an object, got null"],
    [[], "the document must be an object, got a list"],
    [{ external_payload_storage: null }, "external_payload_storage must be an object, got null"],
    [{ driver: "local" }, "enabled must be a boolean, got nothing"],
    [{ ...LOCAL, enabled: 1 }, "enabled must be a boolean, got 1"],
    [{ enabled: true }, "driver must be one of local, s3, gcs, azure, azure-blob, got null"],
    [{ ...LOCAL, driver: "ftp" }, 'driver must be one of local, s3, gcs, azure, azure-blob, got "ftp"'],
    [{ enabled: false, driver: 7 }, "driver must be one of local, s3, gcs, azure, azure-blob, got 7"],
    [{ ...LOCAL, threshold_bytes: -1 }, "threshold_bytes must be an integer >= 0, got -1"],
    [{ ...LOCAL, threshold_bytes: "1024" }, "threshold_bytes must be an integer >= 0, got a string"],
    [{ ...LOCAL, threshold_bytes: true }, "threshold_bytes must be an integer >= 0, got true"],
    [{ ...LOCAL, config: "file:///srv" }, "config must be an object, got a string"],
    [{ ...LOCAL, config: ["x"] }, "config must be an object, got a list"],
    [{ ...LOCAL, config: { uri: 7 } }, "config.uri must be a string or null, got 7"],
    [{ ...LOCAL, config: { disk: false } }, "config.disk must be a string or null, got false"],
    [{ ...LOCAL, reference: {} }, "reference must be a string or null, got an object"],
    [{ ...LOCAL, prefix: 7 }, "prefix must be a string or null, got 7"],
    [{ ...LOCAL, integrity_required: "no" }, "integrity_required must be a boolean, got a string"],
    [
      { external_payload_storage: { ...LOCAL, config: { bucket: 7 } } },
      "external_payload_storage.config.bucket must be a string or null, got 7",
    ],
  ])("is refused: %j", (policy, message) => {
    expect(() => parse(policy)).toThrow(ExternalPayloadStoragePolicyError);
    expect(() => parse(policy)).toThrow(message);
  });
});
