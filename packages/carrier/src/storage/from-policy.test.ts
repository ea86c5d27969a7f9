import { describe, expect, it } from "vitest";
import { isExternalPayloadStoragePolicyError } from "../protocol/errors.js";
import { ExternalPayloadStoragePolicy } from "../protocol/storage-policy.js";
import { type ExternalStorageSources, externalStorageFromPolicy } from "./from-policy.js";
import { LocalFilesystemExternalStorage } from "./local.js";
import type { ObjectStorageClient } from "./object-storage.js";

const client: ObjectStorageClient = {
  put: async () => {},
  get: async () => ({ body: new Blob([]).stream() }),
  delete: async () => {},
};
const SOURCES: ExternalStorageSources = {
  s3: client,
  gcs: () => client,
  azureBlob: client,
  local: (options) => new LocalFilesystemExternalStorage(options),
};

const fromPolicy = (policy: Record<string, unknown>, sources = SOURCES) =>
  externalStorageFromPolicy(ExternalPayloadStoragePolicy.parse({ enabled: true, ...policy }), sources);

/** What URIs of a driver start with. */
const baseOf = async (policy: Record<string, unknown>) => {
  const uri = await fromPolicy(policy).put(new Uint8Array(), { sha256: "0".repeat(64), codec: "avro" });
  return uri.replace(/avro\/00\/0{64}$/, "");
};

describe("a driver from a policy", () => {
  it.each([
    [{ driver: "s3", config: { bucket: "box" } }, "s3://box/"],
    [{ driver: "s3", config: { bucket: "box", prefix: "/a/" } }, "s3://box/a/"],
    [{ driver: "s3", config: { bucket: "box", disk: "s3" }, prefix: "a" }, "s3://box/a/"],
    [{ driver: "s3", config: { uri: "s3://box/a/b" } }, "s3://box/a/b/"],
    [{ driver: "s3", reference: "s3://box" }, "s3://box/"],
    [{ driver: "s3", reference: "arn:aws:s3:::box" }, "s3://box/"],
    [{ driver: "s3", reference: "arn:aws-cn:s3:::box/a" }, "s3://box/a/"],
    [
      { driver: "s3", reference: "s3://box/", config: { bucket: "box", uri: "s3://box/a/" }, prefix: "a" },
      "s3://box/a/",
    ],
    [{ driver: "gcs", config: { bucket: "box" } }, "gs://box/"],
    [{ driver: "gcs", reference: "gs://box/a" }, "gs://box/a/"],
    [{ driver: "gcs", reference: "projects/_/buckets/box" }, "gs://box/"],
    [{ driver: "gcs", reference: "//storage.googleapis.com/projects/_/buckets/box" }, "gs://box/"],
    [{ driver: "azure", config: { container: "box" } }, "azure-blob://box/"],
    [{ driver: "azure-blob", reference: "azure-blob://box/a" }, "azure-blob://box/a/"],
    [
      { driver: "azure", reference: "/subscriptions/s/storageAccounts/a/blobServices/default/containers/box" },
      "azure-blob://box/",
    ],
  ])("%j stores at %s", async (policy, base) => {
    await expect(baseOf(policy)).resolves.toBe(base);
  });

  it("of files has the policy's root and prefix", () => {
    const driver = fromPolicy({ driver: "local", config: { uri: "file:///srv/payloads" } });
    expect(driver.accepts?.("file:///srv/payloads/avro/x")).toBe(true);
    expect(driver.accepts?.("file:///srv/other/avro/x")).toBe(false);
    const seen: unknown[] = [];
    const local: ExternalStorageSources["local"] = (options) => {
      seen.push(options);
      return driver;
    };
    fromPolicy({ driver: "local", reference: "file:///srv/payloads", config: { prefix: "a" } }, { local });
    expect(seen).toEqual([{ root: "file:///srv/payloads", prefix: "a" }]);
  });
});

describe("a policy that does not do", () => {
  it.each([
    [{ enabled: false }, "enabled must be true for storage to be used, got false"],
    [
      { driver: "s3" },
      "config.bucket must be the name of a bucket (or reference: s3://BUCKET/PREFIX or an S3 ARN of a bucket), got nothing",
    ],
    [{ driver: "s3", config: { disk: "s3" } }, "got only config.disk, a name that the engine alone can resolve"],
    [
      { driver: "s3", reference: "gs://box" },
      "reference must be s3://BUCKET/PREFIX or an S3 ARN of a bucket, got another text",
    ],
    [
      { driver: "s3", reference: "arn:aws:s3:eu-west-1:123456789012:accesspoint/box" },
      "reference must be s3://BUCKET/PREFIX or an S3 ARN of a bucket, got another text",
    ],
    [{ driver: "s3", config: { uri: "/box" } }, "config.uri must be s3://BUCKET/PREFIX"],
    [
      { driver: "s3", config: { bucket: "box" }, reference: "s3://other" },
      "reference must be the bucket that config.bucket names, got another one",
    ],
    [
      { driver: "s3", config: { bucket: "box", prefix: "a" }, prefix: "b" },
      "config.prefix must be the prefix that prefix names, got another one",
    ],
    [
      { driver: "s3", reference: "s3://box/b", prefix: "a" },
      "reference must be the prefix that prefix names, got another one",
    ],
    [{ driver: "gcs" }, "config.bucket must be the name of a bucket (or reference: gs://"],
    [{ driver: "azure", config: { bucket: "box" } }, "config.container must be the name of a container"],
    [{ driver: "local" }, "config.uri must be a file: URL, got nothing"],
    [{ driver: "local", config: { disk: "local" } }, "config.uri must be a file: URL, got only config.disk"],
    [
      { driver: "local", config: { uri: "/srv/payloads" } },
      "config.uri must be a file: URL, as in file:///srv/payloads",
    ],
    [{ driver: "local", reference: "s3://box" }, "reference must be a file: URL, as in file:///srv/payloads"],
  ])("%j", (policy, message) => {
    const make = () => fromPolicy(policy);
    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isExternalPayloadStoragePolicyError(error)).toBe(true);
    }
  });

  it("has no driver, which parsing would have refused", () => {
    const policy = ExternalPayloadStoragePolicy.parse({ enabled: false });
    expect(() => externalStorageFromPolicy({ ...policy, enabled: true }, SOURCES)).toThrow(
      "driver must be the name of a driver, got null",
    );
  });

  it.each(["s3", "gcs", "azure", "local"])("asks for %s, which there is nothing for", (driver) => {
    expect(() => fromPolicy({ driver }, {})).toThrow(
      /^driver must be one that this carrier was given a client for \(sources\./,
    );
  });
});
