import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { losslessValues } from "../../test/support/avro-values.js";
import { MemoryDriver } from "../../test/support/memory-driver.js";
import { BLOB, BLOB_BYTES, referenceTo } from "../../test/support/stored-payloads.js";
import { decodeAvroValue, encodeAvroValue } from "../payload/codec.js";
import { ExternalPayloadCache } from "./cache.js";
import { deleteExternalPayload, fetchExternalPayload, storeExternalPayload } from "./transfer.js";

describe("storing and fetching", () => {
  it("is identity, for any value", async () => {
    const driver = new MemoryDriver();
    await fc.assert(
      fc.asyncProperty(losslessValues, fc.boolean(), async (value, cached) => {
        const cache = cached ? new ExternalPayloadCache() : undefined;
        const blob = encodeAvroValue(value);
        const reference = await storeExternalPayload(driver, blob);
        expect(await fetchExternalPayload(driver, reference, { cache })).toBe(blob);
        expect(await fetchExternalPayload(driver, reference, { cache })).toBe(blob);
        expect(encodeAvroValue(decodeAvroValue(blob, { lossless: true }))).toBe(blob);
      }),
    );
  });

  it("catches any single flipped, dropped or added byte", async () => {
    const driver = new MemoryDriver();
    const damage = fc.oneof(
      fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), byte: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ kind: fc.constant("drop" as const), at: fc.nat(), byte: fc.constant(0) }),
      fc.record({ kind: fc.constant("add" as const), at: fc.nat(), byte: fc.nat(255) }),
    );
    await fc.assert(
      fc.asyncProperty(losslessValues, damage, fc.boolean(), async (value, { kind, at, byte }, cached) => {
        const reference = await storeExternalPayload(driver, encodeAvroValue(value));
        const bytes = [...driver.objects.get(reference.uri)!];
        const index = at % bytes.length;
        if (kind === "flip") bytes[index]! ^= byte;
        else if (kind === "drop") bytes.splice(index, 1);
        else bytes.splice(index, 0, byte);
        driver.objects.set(reference.uri, Uint8Array.from(bytes));
        const cache = cached ? new ExternalPayloadCache() : undefined;
        await expect(fetchExternalPayload(driver, reference, { cache })).rejects.toMatchObject({
          name: "ExternalPayloadIntegrityError",
          check: kind === "flip" ? "sha256" : "size",
        });
        expect(cache?.size ?? 0).toBe(0);
      }),
    );
  });

  it("takes nothing but a blob, and no driver's word without a URI", async () => {
    const envelope = { codec: "avro", blob: BLOB };
    await expect(storeExternalPayload(new MemoryDriver(), envelope as unknown as string)).rejects.toThrow(
      new TypeError("blob must be text: the blob of a payload envelope"),
    );
    for (const uri of [undefined, "", "/srv/x"]) {
      const driver = new MemoryDriver();
      driver.put = async () => uri as string;
      await expect(storeExternalPayload(driver, BLOB)).rejects.toMatchObject({ code: "unavailable" });
    }
  });

  it("gives the reference the expiry that it is told", async () => {
    const expiresAt = new Date("2026-04-22T01:10:00Z");
    await expect(storeExternalPayload(new MemoryDriver(), BLOB, { expiresAt })).resolves.toMatchObject({
      expiresAt: "2026-04-22T01:10:00.000Z",
    });
  });

  it("tells the driver how much to read, and refuses what is no text", async () => {
    const driver = new MemoryDriver();
    const bytes = new Uint8Array([0xff, 0xfe]);
    driver.objects.set("memory://box/x", bytes);
    await expect(fetchExternalPayload(driver, referenceTo("memory://box/x", bytes))).rejects.toMatchObject({
      name: "PayloadError",
      code: "invalid_payload_framing",
    });
    expect(driver.gets).toEqual([{ uri: "memory://box/x", sizeBytes: 2, signal: undefined }]);
  });
});

describe("a reference that is not read", () => {
  const driver = new MemoryDriver();
  const reference = referenceTo("memory://box/avro/x");

  it.each([
    ["none", []],
    ["another scheme", new MemoryDriver("other://box/")],
    ["several of other schemes", [new MemoryDriver("other://box/"), new MemoryDriver("third://box/")]],
  ])("has no driver: %s", async (_, drivers) => {
    await expect(fetchExternalPayload(drivers, reference)).rejects.toMatchObject({ code: "no_driver" });
    await expect(deleteExternalPayload(drivers, reference)).rejects.toMatchObject({ code: "no_driver" });
  });

  it("is foreign to every driver of its scheme", async () => {
    const foreign = referenceTo("memory://elsewhere/x");
    await expect(fetchExternalPayload([driver, new MemoryDriver("other://box/")], foreign)).rejects.toMatchObject({
      code: "foreign_reference",
    });
  });

  it("is foreign even where a shared cache holds its payload", async () => {
    const cache = new ExternalPayloadCache();
    const theirs = new MemoryDriver("memory://theirs/");
    const stored = await storeExternalPayload(theirs, BLOB);
    await fetchExternalPayload(theirs, stored, { cache });
    await expect(fetchExternalPayload(driver, stored, { cache })).rejects.toMatchObject({ code: "foreign_reference" });
  });

  it("has expired, whether or not a cache holds its payload", async () => {
    const cache = new ExternalPayloadCache();
    const stored = await storeExternalPayload(driver, BLOB);
    const expiring = { ...stored, expiresAt: "2026-04-22T03:10:00+02:00" };
    const at = Date.parse("2026-04-22T01:10:00Z");
    await expect(fetchExternalPayload(driver, expiring, { cache, now: at - 1 })).resolves.toBe(BLOB);
    for (const now of [at, at + 1, undefined]) {
      await expect(fetchExternalPayload(driver, expiring, { cache, now })).rejects.toMatchObject({
        code: "expired_reference",
      });
    }
    const unreadable = { ...stored, expiresAt: "soon" };
    await expect(fetchExternalPayload(driver, unreadable)).rejects.toMatchObject({ code: "expired_reference" });
  });

  it("is larger than is fetched, and nothing is asked of the store", async () => {
    const asked = driver.gets.length;
    const options = { maxBytes: BLOB_BYTES.length - 1 };
    await expect(fetchExternalPayload(driver, reference, options)).rejects.toMatchObject({
      code: "oversized_reference",
    });
    const huge = { ...reference, sizeBytes: Number.MAX_SAFE_INTEGER };
    await expect(fetchExternalPayload(driver, huge)).rejects.toMatchObject({ code: "oversized_reference" });
    expect(driver.gets.length).toBe(asked);
  });
});

describe("several drivers", () => {
  it("are chosen by scheme, then by who accepts", async () => {
    const drivers = ["one://box/", "two://a/", "two://b/"].map((base) => new MemoryDriver(base));
    for (const driver of drivers) {
      const stored = await storeExternalPayload(driver, BLOB);
      await expect(fetchExternalPayload(drivers, stored)).resolves.toBe(BLOB);
      await deleteExternalPayload(drivers, stored);
      expect(driver.objects.size).toBe(0);
    }
  });
});

describe("deleting", () => {
  it("empties the cache too", async () => {
    const driver = new MemoryDriver();
    const cache = new ExternalPayloadCache();
    const stored = await storeExternalPayload(driver, BLOB);
    await fetchExternalPayload(driver, stored, { cache });
    await deleteExternalPayload(driver, stored, { cache });
    await expect(fetchExternalPayload(driver, stored, { cache })).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("a driver that fails", () => {
  it("in its own way is an unavailable store", async () => {
    const driver = new MemoryDriver();
    driver.before = async () => {
      throw new TypeError("reading 'x' of https://user:pass@host/?sig=secret failed");
    };
    await expect(storeExternalPayload(driver, BLOB)).rejects.toMatchObject({
      name: "ExternalStorageError",
      code: "unavailable",
      retryable: true,
      message: "External storage failed to put (TypeError).",
    });
  });

  it("and ignores its signal is left all the same", async () => {
    const driver = new MemoryDriver();
    const stored = await storeExternalPayload(driver, BLOB);
    driver.before = () => new Promise(() => {});
    const reason = new Error("the deadline passed");
    for (const start of [
      (signal: AbortSignal) => storeExternalPayload(driver, BLOB, { signal }),
      (signal: AbortSignal) => fetchExternalPayload(driver, stored, { signal }),
      (signal: AbortSignal) => fetchExternalPayload(driver, stored, { signal, cache: new ExternalPayloadCache() }),
      (signal: AbortSignal) => deleteExternalPayload(driver, stored, { signal }),
    ]) {
      const controller = new AbortController();
      const transfer = start(controller.signal);
      setTimeout(() => controller.abort(reason), 1);
      await expect(transfer).rejects.toBe(reason);
    }
  });
});

describe("without WebCrypto", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("says what is missing", async () => {
    vi.stubGlobal("crypto", {});
    await expect(storeExternalPayload(new MemoryDriver(), BLOB)).rejects.toThrow(/needs WebCrypto/);
  });
});
