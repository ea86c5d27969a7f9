import { describe, expect, it } from "vitest";
import { BLOB_BYTES, sha256 } from "../../test/support/stored-payloads.js";
import { AzureBlobExternalStorage } from "./azure-blob.js";
import { GCSExternalStorage } from "./gcs.js";
import type { ObjectStorageClient, PutObjectOptions } from "./object-storage.js";
import { S3ExternalStorage } from "./s3.js";

const hash = sha256(BLOB_BYTES);

function recorder(fail: (options: PutObjectOptions) => unknown = () => undefined) {
  const puts: PutObjectOptions[] = [];
  const client: ObjectStorageClient = {
    async put(_object, _data, options) {
      puts.push(options);
      const error = fail(options);
      if (error !== undefined) throw error;
    },
    get: async () => ({ body: new Blob([BLOB_BYTES]).stream() }),
    delete: async () => {},
  };
  return { client, puts };
}

const DRIVERS = {
  "s3://box/": (prefix?: string) => new S3ExternalStorage({ client: recorder().client, bucket: "box", prefix }),
  "gs://box/": (prefix?: string) => new GCSExternalStorage({ client: recorder().client, bucket: "box", prefix }),
  "azure-blob://box/": (prefix?: string) =>
    new AzureBlobExternalStorage({ client: recorder().client, container: "box", prefix }),
};

describe.each(Object.entries(DRIVERS))("the driver of %s", (base, driverWith) => {
  it("names objects by codec and hash, below its prefix", async () => {
    const key = `avro/${hash.slice(0, 2)}/${hash}`;
    for (const [prefix, expected] of [
      [undefined, key],
      ["", key],
      ["/", key],
      ["a", `a/${key}`],
      ["/a/b/", `a/b/${key}`],
    ] as const) {
      const driver = driverWith(prefix);
      const uri = await driver.put(BLOB_BYTES, { sha256: hash, codec: "avro" });
      expect(uri).toBe(base + expected);
      expect(driver.accepts(uri)).toBe(true);
    }
  });

  it.each([
    "other://box/pre/x",
    "box/pre/x",
    "BASEpre",
    "BASEprefix/x",
    "BASEother/x",
    "BASE",
    "BASEpre/",
    "BASEpre//x",
    "BASEpre/x/",
    "BASEpre/./x",
    "BASEpre/../x",
    "BASEpre/x/..",
    "BASE/pre/x",
    "BASE../box/pre/x",
  ])("refuses %s", async (pattern) => {
    const uri = pattern.replace("BASE", base);
    const driver = driverWith("pre");
    expect(driver.accepts(uri)).toBe(false);
    await expect(driver.get(uri, { sizeBytes: 1 })).rejects.toMatchObject({ code: "foreign_reference" });
    await expect(driver.delete(uri)).rejects.toMatchObject({ code: "foreign_reference" });
  });

  it("refuses other buckets", () => {
    for (const uri of [base.replace("box", "boxes"), base.replace("box", "bo"), base.replace("box", "box@host")]) {
      expect(driverWith().accepts(`${uri}x`)).toBe(false);
    }
  });

  it("takes any other key for what it is", () => {
    for (const key of ["pre/x", "pre/...", "pre/%2e%2e/x", "pre/a b?c#d", "pre/ä"]) {
      expect(driverWith("pre").accepts(base + key)).toBe(true);
    }
  });
});

const put = (client: ObjectStorageClient, conditionalWrites?: boolean) =>
  new S3ExternalStorage({ client, bucket: "box", conditionalWrites }).put(BLOB_BYTES, {
    sha256: hash,
    codec: "avro",
  });

describe("a put", () => {
  it.each([
    ["412", { $metadata: { httpStatusCode: 412 }, name: "PreconditionFailed" }],
    ["409 BlobAlreadyExists", { statusCode: 409, code: "BlobAlreadyExists" }],
  ])("takes %s for an object that is there already", async (_, error) => {
    const { client, puts } = recorder(() => error);
    await expect(put(client)).resolves.toContain(hash);
    expect(puts.map(({ ifAbsent }) => ifAbsent)).toEqual([true]);
  });

  it("writes in any case after a conflict with another write", async () => {
    const { client, puts } = recorder(({ ifAbsent }) =>
      ifAbsent ? { status: 409, code: "ConditionalRequestConflict" } : undefined,
    );
    await expect(put(client)).resolves.toContain(hash);
    expect(puts.map(({ ifAbsent }) => ifAbsent)).toEqual([true, false]);
  });

  it("without conditions takes neither for success", async () => {
    for (const status of [409, 412]) {
      const { client, puts } = recorder(() => ({ status }));
      await expect(put(client, false)).rejects.toMatchObject({ code: "unavailable" });
      expect(puts.map(({ ifAbsent }) => ifAbsent)).toEqual([false]);
    }
  });
});

describe("options", () => {
  const { client } = recorder();
  it.each([
    [() => new S3ExternalStorage({ client, bucket: "s3://box" }), "bucket must be the bare name of a bucket"],
    [() => new S3ExternalStorage({ client, bucket: "box/prefix" }), "bucket must be the bare name of a bucket"],
    [() => new GCSExternalStorage({ client, bucket: "" }), "bucket must be the bare name of a bucket"],
    [() => new AzureBlobExternalStorage({ client, container: undefined as never }), "container must be the bare name"],
    [() => new S3ExternalStorage({ client: {} as never, bucket: "box" }), "client must have the methods put, get and"],
    [() => new S3ExternalStorage({ client: undefined as never, bucket: "box" }), "client must have the methods put"],
    [
      () => new S3ExternalStorage({ client, bucket: "box", prefix: "a/../b" }),
      'prefix must have no empty, "." or ".."',
    ],
    [() => new S3ExternalStorage({ client, bucket: "box", prefix: 7 as never }), "prefix must be text"],
  ])("are refused (%#)", (make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});
