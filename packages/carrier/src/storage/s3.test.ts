import { once } from "node:events";
import { createServer } from "node:http";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { AwsClient } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CephRgw, cephMissing, startCephRgw } from "../../test/support/ceph.js";
import type { ChildServer } from "../../test/support/child-server.js";
import { closedAddress, listen } from "../../test/support/loopback.js";
import { itStoresPayloads } from "../../test/support/storage-contract.js";
import { BLOB, BLOB_BYTES, longText, referenceTo, sha256 } from "../../test/support/stored-payloads.js";
import { awsSdkS3Client } from "./clients/s3-aws-sdk.js";
import { fetchS3Client } from "./clients/s3-fetch.js";
import type { ObjectStorageClient } from "./object-storage.js";
import { S3ExternalStorage } from "./s3.js";
import { fetchExternalPayload, storeExternalPayload } from "./transfer.js";

const BUCKET = "payloads";

const keyOf = (uri: string) => uri.slice(`s3://${BUCKET}/`.length);

/** A client of each library for the same store. */
const CLIENTS = {
  "@aws-sdk/client-s3": (rgw: CephRgw) => awsSdkS3Client(sdk(rgw)),
  aws4fetch: ({ endpoint, region, accessKeyId, secretAccessKey }: CephRgw) => {
    const aws = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3", retries: 0 });
    return fetchS3Client({ aws, endpoint, pathStyle: true });
  },
} as const satisfies Record<string, (rgw: CephRgw) => ObjectStorageClient>;

function sdk({ endpoint, region, accessKeyId, secretAccessKey }: CephRgw, config: S3ClientConfig = {}): S3Client {
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1, ...config });
}

if (cephMissing === undefined) describe("S3, on Ceph RGW", onCeph);
else it.skip(`S3 on Ceph RGW: ${cephMissing}`);

function onCeph(): void {
  let server: ChildServer & { rgw: CephRgw };
  let s3: S3Client;
  let nobody: string;

  beforeAll(async () => {
    nobody = await closedAddress();
    server = await startCephRgw();
    s3 = sdk(server.rgw);
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await s3.send(new CreateBucketCommand({ Bucket: "other" }));
  });
  afterAll(async () => {
    s3?.destroy();
    await server?.stop();
  });

  const overwrite = async (uri: string, data: Uint8Array) => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: keyOf(uri), Body: data }));
  };

  describe.each(Object.entries(CLIENTS))("through %s", (library, clientFor) => {
    const driverWith = (changes: Partial<CephRgw>, options: { prefix?: string; conditionalWrites?: boolean } = {}) =>
      new S3ExternalStorage({ client: clientFor({ ...server.rgw, ...changes }), bucket: BUCKET, ...options });

    itStoresPayloads(() => ({
      driver: driverWith({}, { prefix: "bill ing/v1+2" }),
      base: `s3://${BUCKET}/bill ing/v1+2/`,
      withWrongSecret: driverWith({ secretAccessKey: "a-wrong-secret" }, { prefix: "bill ing/v1+2" }),
      unreachable: driverWith({ endpoint: nobody }, { prefix: "bill ing/v1+2" }),
      overwrite,
      async describe(uri) {
        const { ContentType, Metadata } = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: keyOf(uri) }));
        return { contentType: ContentType, metadata: Metadata };
      },
    }));

    it("leaves an object alone that is there already, unless told not to", async () => {
      const blob = `${longText(40)}${library}`;
      const reference = await storeExternalPayload(driverWith({}), blob);
      const marked = new TextEncoder().encode("marked");
      await overwrite(reference.uri, marked);
      await storeExternalPayload(driverWith({}), blob);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: keyOf(reference.uri) }));
      expect(await Body?.transformToString()).toBe("marked");

      await storeExternalPayload(driverWith({}, { conditionalWrites: false }), blob);
      await expect(fetchExternalPayload(driverWith({}), reference)).resolves.toBe(blob);
    });

    it("tells a missing bucket from a missing object when it stores", async () => {
      const nowhere = new S3ExternalStorage({ client: clientFor(server.rgw), bucket: "nowhere" });
      await expect(storeExternalPayload(nowhere, BLOB)).rejects.toMatchObject({
        code: "unavailable",
        message: "External storage failed to put (404 NoSuchBucket).",
      });
    });

    it("stops reading an object that is larger than its reference says, before its body", async () => {
      const driver = driverWith({});
      const { uri } = await storeExternalPayload(driver, longText(30_000_000));
      const small = referenceTo(uri, BLOB);
      for (let times = 0; times < 60; times++) {
        await expect(fetchExternalPayload(driver, small)).rejects.toMatchObject({
          check: "size",
          received: "30000000",
        });
      }
    });

    it("is refused bytes that are not those of the hash it sends along", async () => {
      const client = clientFor(server.rgw);
      const metadata = { sha256: sha256("other bytes"), codec: "avro" };
      const write = client.put({ bucket: BUCKET, key: "damaged" }, BLOB_BYTES, {
        contentType: "application/octet-stream",
        metadata,
        ifAbsent: false,
      });
      // This gateway checks the signed hash, and is too old to know S3's own checksum header.
      if (clientFor === CLIENTS.aws4fetch) await expect(write).rejects.toMatchObject({ status: 400 });
      else await write;
    });
  });

  it("refuses references to other buckets and prefixes", async () => {
    const client = CLIENTS["@aws-sdk/client-s3"](server.rgw);
    const other = new S3ExternalStorage({ client, bucket: "other" });
    const outside = await storeExternalPayload(other, BLOB);
    const driver = new S3ExternalStorage({ client, bucket: BUCKET, prefix: "mine" });
    const beside = await storeExternalPayload(new S3ExternalStorage({ client, bucket: BUCKET }), BLOB);
    for (const { uri } of [outside, beside]) {
      await expect(driver.get(uri, { sizeBytes: 1 })).rejects.toMatchObject({ code: "foreign_reference" });
      await expect(driver.delete(uri)).rejects.toMatchObject({ code: "foreign_reference" });
    }
    await expect(fetchExternalPayload([driver, other], outside)).resolves.toBe(BLOB);
  });
}

describe("the client over fetch", () => {
  const sent: URL[] = [];
  const aws = {
    fetch: async (url: URL) => {
      sent.push(url);
      return new Response("<Error><Code>NoSuchKey</Code><Key>a/secret/key</Key></Error>", { status: 404 });
    },
  };

  it.each([
    ["https://s3.eu-central-1.amazonaws.com", false, "https://box.s3.eu-central-1.amazonaws.com/a/b%3Fc"],
    ["https://s3.example.test:9000/base/", true, "https://s3.example.test:9000/base/box/a/b%3Fc"],
  ])("addresses buckets of %s", async (endpoint, pathStyle, expected) => {
    const client = fetchS3Client({ aws, endpoint, pathStyle });
    await expect(client.get({ bucket: "box", key: "a/b?c" }, { sizeBytes: 1 })).rejects.toMatchObject({
      status: 404,
      code: "NoSuchKey",
      message: "S3 answered 404.",
    });
    expect(sent.at(-1)?.href).toBe(expected);
  });

  it("refuses an endpoint that is none, and something that does not fetch", () => {
    expect(() => fetchS3Client({ aws, endpoint: "s3.example.test" })).toThrow(/^endpoint must be a URL/);
    // URL drops what is put in front of an address, and the bucket with it.
    for (const endpoint of ["http://127.0.0.1:9000", "http://[::1]:9000", "http://2130706433/"]) {
      expect(() => fetchS3Client({ aws, endpoint })).toThrow(/set pathStyle: true$/);
      expect(() => fetchS3Client({ aws, endpoint, pathStyle: true })).not.toThrow();
    }
    expect(() => fetchS3Client({ aws: {} as never, endpoint: "https://s3.example.test" })).toThrow(/^aws must be/);
  });
});

describe.each(Object.entries(CLIENTS))("a connection that breaks, with %s", (_, clientFor) => {
  /** Promises ten bytes, sends five, and hangs up or says no more. */
  async function failing(hangUp: boolean) {
    const closed: Promise<unknown>[] = [];
    const server = await listen(
      createServer((_request, response) => {
        closed.push(once(response, "close"));
        response.writeHead(200, { "content-length": "10" }).write("12345");
        if (hangUp) setTimeout(() => response.destroy(), 10);
      }),
    );
    const client = clientFor({ endpoint: server.url, region: "r", accessKeyId: "a", secretAccessKey: "s" });
    return { server, closed, driver: new S3ExternalStorage({ client, bucket: BUCKET }) };
  }
  const reference = referenceTo(`s3://${BUCKET}/x`, "1234567890");

  it("in the middle of an object is an unavailable store, not a damaged payload", async () => {
    const { server, driver } = await failing(true);
    await expect(fetchExternalPayload(driver, reference)).rejects.toMatchObject({ code: "unavailable" });
    await server.close();
  });

  it("is not waited for beyond the deadline, and closed", async () => {
    const { server, closed, driver } = await failing(false);
    const controller = new AbortController();
    const reason = new Error("the deadline passed");
    const fetching = fetchExternalPayload(driver, reference, { signal: controller.signal });
    await expect.poll(() => closed).toHaveLength(1);
    setTimeout(() => controller.abort(reason), 20);
    await expect(fetching).rejects.toBe(reason);
    await Promise.all(closed);
    await server.close();
  });
});
