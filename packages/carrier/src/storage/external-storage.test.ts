import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { losslessValues } from "../../test/support/avro-values.js";
import { MemoryDriver } from "../../test/support/memory-driver.js";
import { BLOB, BLOB_BYTES, referenceTo } from "../../test/support/stored-payloads.js";
import { decodePayload, payloadEnvelope } from "../payload/envelope.js";
import { parseExternalPayloadReference, serializeExternalPayloadReference } from "../protocol/payload-reference.js";
import type { StoredPayloadEnvelope } from "../protocol/wire.js";
import { ExternalPayloadCache } from "./cache.js";
import {
  type ExternalStorage,
  type ExternalStorageOptions,
  exceedsThreshold,
  externalStorage,
  inlinePayload,
  offloadPayload,
} from "./external-storage.js";
import type { ExternalStorageDrivers } from "./transfer.js";

const PAYLOAD = { codec: "avro", blob: BLOB };

function storage({
  drivers = new MemoryDriver(),
  ...options
}: ExternalStorageOptions & { drivers?: ExternalStorageDrivers } = {}): ExternalStorage {
  return externalStorage(drivers, options);
}

const asJson = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

describe("the options", () => {
  it("have defaults", () => {
    const driver = new MemoryDriver();
    const { drivers, cache, thresholdBytes } = externalStorage(driver);
    expect(drivers).toEqual([driver]);
    expect(cache).toBeInstanceOf(ExternalPayloadCache);
    expect({ maxEntries: cache?.maxEntries, maxBytes: cache?.maxBytes }).toEqual({
      maxEntries: 128,
      maxBytes: 16_777_216,
    });
    expect(thresholdBytes).toBe(262_144);
  });

  it("are taken as given", () => {
    const cache = new ExternalPayloadCache();
    expect(storage({ cache: cache }).cache).toBe(cache);
    expect(storage({ cache: false }).cache).toBeUndefined();
    expect(storage({ thresholdBytes: Number.POSITIVE_INFINITY }).thresholdBytes).toBe(Infinity);
    const drivers = [new MemoryDriver(), new MemoryDriver("other://box/")];
    expect(storage({ drivers }).drivers).toEqual(drivers);
  });

  it.each([
    [null, {}, "externalStorage needs an object with scheme, put, get and delete, or a list of such"],
    [[], {}, "externalStorage needs a driver"],
    [{ scheme: "s3:" }, {}, "externalStorage needs a driver whose scheme is lower-case text"],
    [[{ scheme: "s3", put() {} }], {}, "externalStorage needs a driver with the methods put, get"],
    [undefined, { thresholdBytes: -1 }, "thresholdBytes must be a number >= 0, or Infinity"],
    [undefined, { thresholdBytes: "1024" }, "thresholdBytes must be a number >= 0, or Infinity"],
    [undefined, { thresholdBytes: Number.NaN }, "thresholdBytes must be a number >= 0, or Infinity"],
    [undefined, { cache: true }, "cache must be an ExternalPayloadCache, or false for none"],
    [undefined, { cache: new Map() }, "cache must be an ExternalPayloadCache, or false for none"],
  ])("are refused: %j, %j", (drivers, options, message) => {
    const make = () =>
      externalStorage((drivers === undefined ? new MemoryDriver() : drivers) as never, options as never);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

describe("offloading", () => {
  it("sends what is over the threshold to the first driver, and nothing else", async () => {
    const drivers = [new MemoryDriver(), new MemoryDriver("other://box/")];
    for (const [threshold, offloaded] of [
      [BLOB.length, false],
      [BLOB.length - 1, true],
      [0, true],
      [Number.POSITIVE_INFINITY, false],
    ] as const) {
      const to = storage({ drivers, thresholdBytes: threshold });
      expect(exceedsThreshold(PAYLOAD, to)).toBe(offloaded);
      const sent = await offloadPayload(PAYLOAD, to);
      if (!offloaded) expect(sent).toBe(PAYLOAD);
      else expect(Object.keys(sent)).toEqual(["codec", "external_storage"]);
    }
    expect(drivers.map(({ objects }) => objects.size)).toEqual([1, 0]);
    await expect(offloadPayload(PAYLOAD, undefined)).resolves.toBe(PAYLOAD);
  });

  it("writes the reference in the contract's form", async () => {
    const sent = (await offloadPayload(PAYLOAD, storage({ thresholdBytes: 0 }))) as StoredPayloadEnvelope;
    expect(sent.codec).toBe("avro");
    const reference = parseExternalPayloadReference(sent.external_storage);
    expect(reference).toEqual(referenceTo(reference.uri));
    expect(sent.external_storage).toEqual({
      schema: "durable-workflow.v2.external-payload-reference.v1",
      uri: reference.uri,
      sha256: reference.sha256,
      size_bytes: BLOB_BYTES.length,
      codec: "avro",
    });
  });

  it("that fails says so, and does not fall back to the payload", async () => {
    const driver = new MemoryDriver();
    driver.before = async () => {
      throw Object.assign(new Error("no"), { statusCode: 503 });
    };
    const to = storage({ drivers: driver, thresholdBytes: 0 });
    await expect(offloadPayload(PAYLOAD, to)).rejects.toMatchObject({ code: "unavailable", retryable: true });
  });
});

describe("offloading, then reading", () => {
  it("is identity, for any value and any threshold", async () => {
    await fc.assert(
      fc.asyncProperty(losslessValues, fc.nat(400), fc.boolean(), async (value, threshold, cached) => {
        const through = storage({
          thresholdBytes: threshold,
          ...(cached ? {} : { cache: false }),
        });
        const payload = payloadEnvelope(value);
        const sent = asJson(await offloadPayload(payload, through));
        expect("external_storage" in sent).toBe(payload.blob.length > threshold);
        const read = await inlinePayload(sent, through);
        expect(read).toEqual(payload);
        expect(payloadEnvelope(decodePayload(read, { lossless: true }))).toEqual(payload);
      }),
    );
  });
});

const wire = (changes: Record<string, unknown> = {}) => ({
  codec: "avro",
  external_storage: { ...serializeExternalPayloadReference(referenceTo("memory://box/x")), ...changes },
});

describe("reading", () => {
  it("gives an inline envelope back as it is, also one with a reference beside its blob", async () => {
    const both = { ...wire(), blob: BLOB };
    await expect(inlinePayload(both, undefined)).resolves.toBe(both);
    const neither = { codec: "avro" };
    await expect(inlinePayload(neither, storage())).resolves.toBe(neither);
  });

  it.each([
    ["no storage", wire(), undefined, { name: "ExternalStorageError", code: "no_driver" }],
    ["another codec", { ...wire(), codec: "json" }, storage(), { code: "unsupported_payload_codec" }],
    ["no codec", { external_storage: wire().external_storage }, storage(), { code: "unsupported_payload_codec" }],
    ["a reference of another codec", wire({ codec: "json" }), storage(), { path: "codec" }],
    ["a reference of another schema", wire({ schema: "x" }), storage(), { path: "schema" }],
    ["a reference that is none", { codec: "avro", external_storage: null }, storage(), { path: "" }],
    ["an unknown scheme", wire({ uri: "s3://box/x" }), storage(), { code: "no_driver" }],
    ["another bucket", wire({ uri: "memory://other/x" }), storage(), { code: "foreign_reference" }],
    ["an expired reference", wire({ expires_at: "1999-01-01T00:00:00Z" }), storage(), { code: "expired_reference" }],
    ["a missing object", wire(), storage(), { code: "not_found" }],
  ])("refuses %s", async (_, envelope, from, expected) => {
    await expect(inlinePayload(envelope, from)).rejects.toMatchObject(expected);
  });

  it("compares the expiry with the clock that it is told", async () => {
    const driver = new MemoryDriver();
    driver.objects.set("memory://box/x", BLOB_BYTES);
    const from = storage({ drivers: driver });
    const expiring = wire({ expires_at: "1999-01-01T00:00:00Z" });
    await expect(inlinePayload(expiring, from, { now: 0 })).resolves.toEqual(PAYLOAD);
  });

  it("ends with its signal", async () => {
    const driver = new MemoryDriver();
    driver.before = () => new Promise(() => {});
    const reason = new Error("deadline");
    const controller = new AbortController();
    const reading = inlinePayload(wire(), storage({ drivers: driver }), { signal: controller.signal });
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });
});
