import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { engineHeartbeatSender, engineHeartbeats, heartbeats } from "../src/activity/heartbeat/index.js";
import { idempotent, MemoryIdempotencyStore, RedisIdempotencyStore } from "../src/activity/idempotency/index.js";
import { azureFunctionsInvocableActivityHandler } from "../src/adapters/azure-functions.js";
import { expressInvocableActivityHandler } from "../src/adapters/express.js";
import { fastifyInvocableActivityHandler } from "../src/adapters/fastify.js";
import { fetchInvocableActivityHandler } from "../src/adapters/fetch.js";
import { googleCloudFunctionsInvocableActivityHandler } from "../src/adapters/google-cloud-functions.js";
import { koaInvocableActivityHandler } from "../src/adapters/koa.js";
import { lambdaInvocableActivityHandler } from "../src/adapters/lambda.js";
import { nodeInvocableActivityHandler } from "../src/adapters/node.js";
import { activityManifest } from "../src/http/manifest.js";
import { InvocableHttpEndpoint } from "../src/http/seam.js";
import * as carrier from "../src/index.js";
import { resolveServeOptions } from "../src/node-http/serve-options.js";
import { openTelemetryInterceptor } from "../src/opentelemetry/index.js";
import { fetchS3Client } from "../src/storage/clients/s3-fetch.js";
import * as storage from "../src/storage/index.js";
import { LocalFilesystemExternalStorage } from "../src/storage/local.js";
import { runtimePayloads } from "../src/storage/runtime/index.js";
import { ActivityTestEnvironment, buildTaskInput, carrierClient } from "../src/testing/index.js";

/** Options of unknown names are refused wherever there are options: a misspelt one must not be silently unset. */
const src = fileURLToPath(new URL("../src/", import.meta.url));

type Make = (options: never) => unknown;

const TAKERS: Readonly<Record<string, readonly Make[]>> = {
  InvocableActivityHandlerOptions: [(options) => new carrier.InvocableActivityHandler({}, options)],
  InvocableHttpOptions: [
    (options) => new InvocableHttpEndpoint({}, options),
    (options) => new InvocableHttpEndpoint(new carrier.InvocableActivityHandler({}), options),
    (options) => fetchInvocableActivityHandler({}, options),
    (options) => nodeInvocableActivityHandler({}, options),
  ],
  AdapterOptions: [
    (options) => azureFunctionsInvocableActivityHandler({}, options),
    (options) => expressInvocableActivityHandler({}, options),
    (options) => fastifyInvocableActivityHandler({}, options),
    (options) => googleCloudFunctionsInvocableActivityHandler({}, options),
    (options) => koaInvocableActivityHandler({}, options),
  ],
  ServeOptions: [(options) => resolveServeOptions(options)],
  ActivityManifestOptions: [(options) => activityManifest(options)],
  LambdaInvocableOptions: [(options) => lambdaInvocableActivityHandler({}, options)],
  IdempotencyOptions: [(options) => idempotent(options)],
  MemoryIdempotencyStoreOptions: [(options) => new MemoryIdempotencyStore(options)],
  RedisIdempotencyStoreOptions: [(options) => new RedisIdempotencyStore(options)],
  EngineHeartbeatOptions: [(options) => engineHeartbeatSender(options)],
  EngineHeartbeatsOptions: [(options) => engineHeartbeats(options)],
  HeartbeatOptions: [(options) => heartbeats(options)],
  OpenTelemetryOptions: [(options) => openTelemetryInterceptor(options)],
  S3ExternalStorageOptions: [(options) => new storage.S3ExternalStorage(options)],
  GCSExternalStorageOptions: [(options) => new storage.GCSExternalStorage(options)],
  AzureBlobExternalStorageOptions: [(options) => new storage.AzureBlobExternalStorage(options)],
  ExternalStorageOptions: [(options) => storage.externalStorage([], options)],
  LocalFilesystemExternalStorageOptions: [(options) => new LocalFilesystemExternalStorage(options)],
  FetchS3ClientOptions: [(options) => fetchS3Client(options)],
  RuntimePayloadsOptions: [(options) => runtimePayloads(options)],
  ExternalPayloadCacheOptions: [(options) => new storage.ExternalPayloadCache(options)],
  CarrierClientOptions: [(options) => carrierClient({}, options), (options) => carrierClient("http://a.test", options)],
  TaskInputOptions: [(options) => buildTaskInput(options)],
  ActivityTestOptions: [(options) => new ActivityTestEnvironment(options).start(() => 1, [])],
};

/** Options that are part of others, of single calls, or of errors: an error must not cost the one it is made for. */
const OTHERS = new Set([
  "ActivityFailureOptions",
  "ActivityTaskOptions",
  "CloseOptions",
  "DecodeAvroOptions",
  "DeleteOptions",
  "EnginePayloadsOptions",
  "FetchOptions",
  "GetOptions",
  "HandleOptions",
  "HeartbeatErrorOptions",
  "HeartbeatsOptions",
  "ObjectStorageOptions",
  "PayloadEnvelopeOptions",
  "PutObjectOptions",
  "PutOptions",
  "ReadBodyOptions",
  "ScheduleOptions",
  "StoreOptions",
]);

it("knows every options type", () => {
  const found = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .flatMap((file) => Array.from(readFileSync(src + file, "utf8").matchAll(/^export interface (\w+Options)\b/gm)))
    .map(([, name = ""]) => name)
    .filter((name) => !OTHERS.has(name));
  expect(found.toSorted()).toEqual(Object.keys(TAKERS).toSorted());
});

/** What is needed for the other options to be looked at. */
const NEEDED: Readonly<Record<string, object>> = {
  IdempotencyOptions: { store: new MemoryIdempotencyStore() },
  EngineHeartbeatsOptions: { serverUrl: "http://a.test", token: "t" },
  HeartbeatOptions: { sender: { send: () => Promise.resolve({}) } },
};

/** Options that are handed to somebody else as this one, who refuses it. */
const PASSED_ON: Readonly<Record<string, string>> = { automaticHeartbeats: "automatic" };

/** The options of a type that are one of a few values, and how those are named. */
const choices = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .flatMap((file) => {
    const interfaces = readFileSync(src + file, "utf8").matchAll(/^export interface (\w+Options)\b([^]*?)^\}/gm);
    return Array.from(interfaces).flatMap(([, type = "", body = ""]) =>
      Array.from(
        body.matchAll(/^ {2}readonly (\w+)\?: (boolean|"[\w-]+"(?: \| "[\w-]+")*)(?: \| undefined)?;/gm),
        ([, name = "", values = ""]): [type: string, name: string, values: readonly string[]] => [
          type,
          name,
          values === "boolean" ? ["a boolean"] : values.split(" | "),
        ],
      ),
    );
  })
  .filter(([type]) => Object.hasOwn(TAKERS, type));

it("finds the options that are one of a few values", () => {
  const names = choices.map(([, name]) => name);
  for (const name of ["resultCodec", "whenStoreFails", "stackTraces", "pathStyle"]) expect(names).toContain(name);
});

it.each(choices)("%s.%s is one of these, and nothing else: %j", async (type, name, values) => {
  for (const make of TAKERS[type] ?? []) {
    for (const value of ["no", null, 1]) {
      const making = async (): Promise<unknown> => make({ ...NEEDED[type], [name]: value } as never);
      const refusal = await making().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(TypeError);
      const named = PASSED_ON[name] ?? name;
      for (const known of values) expect((refusal as Error).message).toMatch(new RegExp(`${named} must be .*${known}`));
    }
  }
});

it.each(Object.entries(TAKERS))("%s has no names but its own", (_, makers) => {
  for (const make of makers) {
    for (const value of [undefined, "x"]) {
      expect(() => make({ misspelt: value } as never)).toThrow(TypeError);
      expect(() => make({ misspelt: value } as never)).toThrow(/has no option "misspelt"; it has \w+/);
    }
  }
});
