import { describe, expect, it } from "vitest";
import { ExternalStorageError } from "./errors.js";
import { faultOf, type StorageOperation, storageError } from "./fault.js";

const error = (fields: Record<string, unknown>) => Object.assign(new Error("of s3://bucket/key"), fields);

describe("an error of a storage client", () => {
  it.each<[string, unknown, StorageOperation, string, string]>([
    ["S3's", error({ name: "NoSuchKey", $metadata: { httpStatusCode: 404 } }), "get", "not_found", "404 NoSuchKey"],
    [
      "Azure's",
      error({ name: "RestError", code: "BlobNotFound", statusCode: 404 }),
      "get",
      "not_found",
      "404 BlobNotFound",
    ],
    ["Google's", error({ code: 404, errors: [{ reason: "notFound" }] }), "get", "not_found", "404 notFound"],
    ["a missing bucket", error({ status: 404, code: "NoSuchBucket" }), "put", "unavailable", "404 NoSuchBucket"],
    ["a missing file", error({ code: "ENOENT" }), "get", "not_found", "ENOENT"],
    ["a file that may not be read", error({ code: "EACCES" }), "get", "access_denied", "EACCES"],
    [
      "wrong credentials",
      error({ name: "InvalidAccessKeyId", status: 403 }),
      "put",
      "access_denied",
      "403 InvalidAccessKeyId",
    ],
    ["none", error({ status: 401 }), "delete", "access_denied", "401"],
    ["a broken server", error({ status: 503, code: "SlowDown" }), "get", "unavailable", "503 SlowDown"],
    [
      "fetch's",
      new TypeError("fetch failed", { cause: error({ code: "ECONNRESET" }) }),
      "get",
      "unavailable",
      "ECONNRESET",
    ],
    ["a full disk", error({ code: "ENOSPC" }), "put", "unavailable", "ENOSPC"],
    [
      "its own kind only",
      error({ name: "CredentialsProviderError" }),
      "put",
      "unavailable",
      "CredentialsProviderError",
    ],
    [
      "a status of no meaning",
      error({ status: 0, code: "REQUEST_SEND_ERROR" }),
      "put",
      "unavailable",
      "REQUEST_SEND_ERROR",
    ],
    ["text", "just text", "get", "unavailable", "an error without a message"],
    ["nothing", undefined, "get", "unavailable", "an error without a message"],
  ])("is read: %s", (_, thrown, operation, code, shown) => {
    const read = storageError(thrown, operation);
    expect(read).toMatchObject({ name: "ExternalStorageError", code });
    expect(read.message.endsWith(` (${shown}).`), read.message).toBe(true);
    expect(read.cause).toBeUndefined();
  });

  it("shows of a message what cannot be an address or a secret", () => {
    const words =
      "No token for a@b.test at https://host/?sig=x, key AKIAIOSFODNN7EXAMPLE0, file /srv/x or C:\\x, x=y; try later";
    expect(storageError(new Error(words), "get").message).toBe(
      "External storage failed to get (No token for ... at ... key ... file ... or ... ... try later).",
    );
    expect(storageError(new Error("word ".repeat(99)), "get").message.length).toBeLessThan(210);
  });

  it("is left alone when it is ours", () => {
    const ours = new ExternalStorageError("foreign_reference", "x");
    expect(storageError(ours, "get")).toBe(ours);
  });

  it("has no status where it has none", () => {
    for (const value of [null, 7, error({}), error({ status: "many", code: "x y" }), error({ code: 17 })]) {
      expect(faultOf(value)).toEqual({ status: undefined, code: undefined });
    }
  });
});
