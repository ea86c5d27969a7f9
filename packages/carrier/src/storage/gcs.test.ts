import { Storage, type StorageOptions } from "@google-cloud/storage";
import { afterAll, beforeAll, expect, it } from "vitest";
import { crc32c, type FakeGcs, startFakeGcs } from "../../test/support/fake-gcs.js";
import { closedAddress } from "../../test/support/loopback.js";
import { itStoresPayloads } from "../../test/support/storage-contract.js";
import { BLOB, longText, referenceTo, sha256 } from "../../test/support/stored-payloads.js";
import { googleCloudStorageClient } from "./clients/gcs.js";
import { GCSExternalStorage } from "./gcs.js";
import { fetchExternalPayload, storeExternalPayload } from "./transfer.js";

const BUCKET = "payloads";

let gcs: FakeGcs;
let nobody: string;

beforeAll(async () => {
  gcs = await startFakeGcs(BUCKET);
  nobody = await closedAddress();
});
afterAll(() => gcs.close());

/** The real client, with a token of its own in place of a service account's. */
function storage(options: { token?: string; endpoint?: string; maxRetries?: number } = {}): Storage {
  const { token = gcs.token, endpoint = gcs.url, maxRetries = 0 } = options;
  const authClient = { getRequestHeaders: async () => ({ authorization: `Bearer ${token}` }) };
  return new Storage({
    apiEndpoint: endpoint,
    projectId: "project",
    useAuthWithCustomEndpoint: true,
    retryOptions: { autoRetry: maxRetries > 0, maxRetries, maxRetryDelay: 1 },
    authClient: authClient as unknown as NonNullable<StorageOptions["authClient"]>,
  });
}

function driverWith(options: Parameters<typeof storage>[0] = {}, prefix = "bill ing/v1+2", conditionalWrites = true) {
  const client = googleCloudStorageClient(storage(options));
  return new GCSExternalStorage({ client, bucket: BUCKET, prefix, conditionalWrites });
}

const keyOf = (uri: string) => uri.slice(`gs://${BUCKET}/`.length);

itStoresPayloads(() => ({
  driver: driverWith(),
  base: `gs://${BUCKET}/bill ing/v1+2/`,
  withWrongSecret: driverWith({ token: "a-wrong-secret" }),
  unreachable: driverWith({ endpoint: nobody }),
  async overwrite(uri, data) {
    await storage().bucket(BUCKET).file(keyOf(uri)).save(Buffer.from(data), { resumable: false });
  },
  async describe(uri) {
    const [{ contentType, metadata }] = await storage().bucket(BUCKET).file(keyOf(uri)).getMetadata();
    return { contentType, metadata };
  },
}));

it("the fake computes the CRC that the service does", () => {
  // The check value of CRC-32C, of "123456789": E3069283.
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe("4waSgw==");
});

it("uploads in one request, and only where there is no object yet", async () => {
  const blob = longText(41);
  const key = `/bill%20ing/v1%2B2/avro/${sha256(blob).slice(0, 2)}/${sha256(blob)}`;
  const before = gcs.requests.length;
  await storeExternalPayload(driverWith(), blob);
  await storeExternalPayload(driverWith(), blob);
  expect(gcs.requests.slice(before)).toEqual(Array.from({ length: 2 }, () => "POST /upload/storage/v1/b/payloads/o 0"));
  expect([...gcs.objects.keys()]).toContain(decodeURIComponent(key).slice(1));
});

it("writes anew when it is told to", async () => {
  const blob = longText(42);
  const { uri } = await storeExternalPayload(driverWith(), blob);
  const { generation } = gcs.objects.get(keyOf(uri))!;
  await storeExternalPayload(driverWith({}, "bill ing/v1+2", false), blob);
  expect(gcs.objects.get(keyOf(uri))?.generation).toBeGreaterThan(generation);
});

it("leaves retries to the SDK, which may repeat an upload that has a precondition", async () => {
  const driver = driverWith({ maxRetries: 2 });
  gcs.failNext(1);
  const reference = await storeExternalPayload(driver, longText(2_500_000));
  await expect(fetchExternalPayload(driver, reference)).resolves.toHaveLength(2_500_000);
  gcs.failNext(1);
  await expect(storeExternalPayload(driverWith(), longText(44))).rejects.toMatchObject({
    code: "unavailable",
    message: "External storage failed to put (503 backendError).",
  });
});

it("does not read an object that is larger than its reference says", async () => {
  const { uri } = await storeExternalPayload(driverWith(), longText(5_000_000));
  await expect(fetchExternalPayload(driverWith(), referenceTo(uri, BLOB))).rejects.toMatchObject({
    check: "size",
    received: "5000000",
  });
});
