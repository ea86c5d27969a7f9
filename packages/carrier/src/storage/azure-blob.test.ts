import { BlobServiceClient, newPipeline, StorageSharedKeyCredential } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ChildServer, startChildServer } from "../../test/support/child-server.js";
import { closedAddress } from "../../test/support/loopback.js";
import { itStoresPayloads } from "../../test/support/storage-contract.js";
import { BLOB, longText, referenceTo } from "../../test/support/stored-payloads.js";
import { AzureBlobExternalStorage } from "./azure-blob.js";
import { azureBlobClient } from "./clients/azure-blob.js";
import { fetchExternalPayload, storeExternalPayload } from "./transfer.js";

const CONTAINER = "payloads";
const ACCOUNT = "devstoreaccount1";
/** Azurite's own, as printed in its documentation. */
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

let azurite: ChildServer;
let url: string;
let nobody: string;

beforeAll(async () => {
  azurite = await startChildServer(
    new URL("../../test/support/azurite.mjs", import.meta.url),
    /successfully listens on/,
  );
  url = `${/http:\S+/.exec(azurite.line)?.[0]}/${ACCOUNT}`;
  nobody = await closedAddress();
  await service().createContainer(CONTAINER);
});
afterAll(() => azurite?.stop());

function service(key = KEY, endpoint = url): BlobServiceClient {
  const retryOptions = { maxTries: 1 };
  return new BlobServiceClient(endpoint, newPipeline(new StorageSharedKeyCredential(ACCOUNT, key), { retryOptions }));
}

function driverWith(client = service(), conditionalWrites = true) {
  const options = { client: azureBlobClient(client), prefix: "bill ing/v1+2", conditionalWrites };
  return new AzureBlobExternalStorage({ ...options, container: CONTAINER });
}

const blobOf = (uri: string) =>
  service()
    .getContainerClient(CONTAINER)
    .getBlockBlobClient(uri.slice(`azure-blob://${CONTAINER}/`.length));

itStoresPayloads(() => ({
  driver: driverWith(),
  base: `azure-blob://${CONTAINER}/bill ing/v1+2/`,
  withWrongSecret: driverWith(service(Buffer.from("a-wrong-secret").toString("base64"))),
  unreachable: driverWith(service(KEY, `${nobody}/${ACCOUNT}`)),
  async overwrite(uri, data) {
    await blobOf(uri).upload(data, data.length);
  },
  async describe(uri) {
    const { contentType, metadata } = await blobOf(uri).getProperties();
    return { contentType, metadata };
  },
}));

it("leaves a blob alone that is there already, unless told not to", async () => {
  const blob = longText(41);
  const reference = await storeExternalPayload(driverWith(), blob);
  await blobOf(reference.uri).upload("marked", 6);
  await storeExternalPayload(driverWith(), blob);
  expect((await blobOf(reference.uri).downloadToBuffer()).toString()).toBe("marked");

  await storeExternalPayload(driverWith(service(), false), blob);
  await expect(fetchExternalPayload(driverWith(), reference)).resolves.toBe(blob);
});

it("does not read a blob that is larger than its reference says", async () => {
  const { uri } = await storeExternalPayload(driverWith(), longText(5_000_000));
  await expect(fetchExternalPayload(driverWith(), referenceTo(uri, BLOB))).rejects.toMatchObject({
    check: "size",
    received: "5000000",
  });
});

it("shows no signed address: a SAS that does not fit is told by status and code", async () => {
  const signed = new BlobServiceClient(`${url}?sv=2024-11-04&sig=a-wrong-secret&se=2020-01-01`);
  const client = azureBlobClient(signed);
  const driver = new AzureBlobExternalStorage({ client, container: CONTAINER });
  const error: unknown = await storeExternalPayload(driver, BLOB).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: "access_denied",
    message: expect.stringMatching(/denied the put \(403 \w+\)\.$/),
  });
  expect((error as Error).stack).not.toMatch(/sig=|a-wrong-secret/);
  expect(error).not.toHaveProperty("cause");
});

it("reads what others call azure://, and writes azure-blob://", async () => {
  const driver = driverWith();
  const reference = await storeExternalPayload(driver, BLOB);
  expect(reference.uri).toMatch(/^azure-blob:/);
  const other = { ...reference, uri: reference.uri.replace("azure-blob:", "azure:") };
  expect(await fetchExternalPayload(driver, other)).toBe(BLOB);
  expect(driver.accepts("azure://elsewhere/bill ing/v1+2/x")).toBe(false);
});
