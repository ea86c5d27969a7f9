import { describe, expect, it } from "vitest";
import { BLOB, BLOB_BYTES, longText, referenceTo } from "../../test/support/stored-payloads.js";
import { ExternalPayloadCache } from "./cache.js";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A request that is answered when the test says so. */
function held() {
  const calls: AbortSignal[] = [];
  const settle: { answer?: (bytes: Uint8Array) => void; fail?: (error: unknown) => void } = {};
  const response = new Promise<Uint8Array>((resolve, reject) => {
    settle.answer = resolve;
    settle.fail = reject;
  });
  const request = (signal: AbortSignal) => {
    calls.push(signal);
    return response;
  };
  return { calls, request, answer: settle.answer!, fail: settle.fail! };
}

function throwAtOnce(): never {
  throw new Error("not even a promise");
}

const fill = (cache: ExternalPayloadCache, text: string, uri = "memory://box/x") =>
  cache.fetch(referenceTo(uri, text), async () => bytesOf(text));

const counts = ({ hits, misses, evictions, size, bytes }: ExternalPayloadCache) => ({
  hits,
  misses,
  evictions,
  size,
  bytes,
});

describe("a cache", () => {
  it("requests once, and answers from memory then", async () => {
    const cache = new ExternalPayloadCache();
    const reference = referenceTo("memory://box/x");
    let requests = 0;
    const request = async () => {
      requests++;
      return BLOB_BYTES;
    };
    for (let times = 0; times < 3; times++) await expect(cache.fetch(reference, request)).resolves.toBe(BLOB);
    expect(requests).toBe(1);
    expect(cache.get(reference)).toBe(BLOB);
    expect(counts(cache)).toEqual({ hits: 3, misses: 1, evictions: 0, size: 1, bytes: BLOB.length });
  });

  it("tells references apart by URI, hash, size and codec", async () => {
    const cache = new ExternalPayloadCache();
    const reference = referenceTo("memory://box/x");
    await cache.fetch(reference, async () => BLOB_BYTES);
    for (const changes of [
      { uri: "memory://box/y" },
      { sha256: "0".repeat(64) },
      { sizeBytes: 1 },
      { codec: "other" as "avro" },
    ]) {
      expect(cache.get({ ...reference, ...changes })).toBeUndefined();
    }
  });

  it("drops the least recently used by count", async () => {
    const cache = new ExternalPayloadCache({ maxEntries: 2 });
    await fill(cache, "a");
    await fill(cache, "b");
    await fill(cache, "a");
    await fill(cache, "c");
    expect(["a", "b", "c"].map((text) => cache.get(referenceTo("memory://box/x", text)))).toEqual([
      "a",
      undefined,
      "c",
    ]);
    expect(counts(cache)).toMatchObject({ evictions: 1, size: 2, bytes: 2 });
  });

  it("drops by bytes, and does not keep what is larger than all of it", async () => {
    const cache = new ExternalPayloadCache({ maxBytes: 100 });
    await fill(cache, longText(60));
    await fill(cache, longText(30));
    await fill(cache, longText(41));
    expect(counts(cache)).toMatchObject({ evictions: 1, size: 2, bytes: 71 });
    await expect(fill(cache, longText(101))).resolves.toHaveLength(101);
    expect(counts(cache)).toMatchObject({ evictions: 1, size: 2, bytes: 71 });
    await fill(cache, longText(100));
    expect(counts(cache)).toMatchObject({ evictions: 3, size: 1, bytes: 100 });
  });

  it("keeps nothing when it may not", async () => {
    for (const options of [{ maxEntries: 0 }, { maxBytes: 0 }]) {
      const cache = new ExternalPayloadCache(options);
      await expect(fill(cache, "a")).resolves.toBe("a");
      expect(counts(cache)).toMatchObject({ misses: 1, size: 0, bytes: 0 });
    }
  });

  it.each([
    ["one bit flipped", (bytes: Uint8Array) => bytes.with(3, bytes[3]! ^ 1), "sha256"],
    ["one byte less", (bytes: Uint8Array) => bytes.subarray(1), "size"],
    ["one byte more", (bytes: Uint8Array) => new Uint8Array([...bytes, 0]), "size"],
  ])("never holds bytes with %s", async (_, damage, check) => {
    const cache = new ExternalPayloadCache();
    const reference = referenceTo("memory://box/x");
    await expect(cache.fetch(reference, async () => damage(BLOB_BYTES))).rejects.toMatchObject({ check });
    expect(cache.get(reference)).toBeUndefined();
    expect(cache.size).toBe(0);
    await expect(cache.fetch(reference, async () => BLOB_BYTES)).resolves.toBe(BLOB);
  });

  it("forgets one and all", async () => {
    const cache = new ExternalPayloadCache();
    await fill(cache, "a");
    await fill(cache, "b");
    cache.delete(referenceTo("memory://box/x", "a"));
    cache.delete(referenceTo("memory://box/x", "a"));
    expect(counts(cache)).toMatchObject({ size: 1, bytes: 1 });
    cache.clear();
    expect(counts(cache)).toEqual({ hits: 0, misses: 2, evictions: 0, size: 0, bytes: 0 });
  });

  it.each([-1, 1.5, Number.NaN, "8"])("refuses a bound of %j", (bound) => {
    expect(() => new ExternalPayloadCache({ maxEntries: bound as number })).toThrow(
      "maxEntries must be an integer >= 0",
    );
    expect(() => new ExternalPayloadCache({ maxBytes: bound as number })).toThrow("maxBytes must be an integer >= 0");
  });
});

describe("fetches of one reference at once", () => {
  const reference = referenceTo("memory://box/x");

  it("share one request", async () => {
    const cache = new ExternalPayloadCache();
    const { calls, request, answer } = held();
    const fetches = [1, 2, 3].map(() => cache.fetch(reference, request));
    answer(BLOB_BYTES);
    await expect(Promise.all(fetches)).resolves.toEqual([BLOB, BLOB, BLOB]);
    expect(calls).toHaveLength(1);
    expect(counts(cache)).toMatchObject({ hits: 2, misses: 1 });
  });

  it("share its failure, and the next one tries anew", async () => {
    const cache = new ExternalPayloadCache();
    const { request, fail } = held();
    const fetches = [1, 2].map(() => cache.fetch(reference, request));
    const failure = new Error("503");
    fail(failure);
    for (const { reason } of (await Promise.allSettled(fetches)) as PromiseRejectedResult[])
      expect(reason).toBe(failure);
    await expect(cache.fetch(reference, async () => BLOB_BYTES)).resolves.toBe(BLOB);
  });

  it("go on when one of them is aborted", async () => {
    const cache = new ExternalPayloadCache();
    const { calls, request, answer } = held();
    const controller = new AbortController();
    const first = cache.fetch(reference, request, controller.signal);
    const second = cache.fetch(reference, request);
    controller.abort(new Error("deadline"));
    await expect(first).rejects.toThrow("deadline");
    expect(calls[0]?.aborted).toBe(false);
    answer(BLOB_BYTES);
    await expect(second).resolves.toBe(BLOB);
  });

  it("end the request when all of them are aborted, and the next one makes another", async () => {
    const cache = new ExternalPayloadCache();
    const { calls, request, answer } = held();
    const controllers = [new AbortController(), new AbortController()];
    const fetches = controllers.map(({ signal }) => cache.fetch(reference, request, signal));
    const reason = new Error("deadline");
    for (const controller of controllers) controller.abort(reason);
    for (const { reason: thrown } of (await Promise.allSettled(fetches)) as PromiseRejectedResult[]) {
      expect(thrown).toBe(reason);
    }
    expect(calls).toHaveLength(1);
    expect(calls[0]?.aborted).toBe(true);
    expect(calls[0]?.reason).toBe(reason);

    const next = held();
    const later = cache.fetch(reference, next.request);
    // The one that was given up answers after all: nobody wants it, and it must not end the new one.
    answer(bytesOf("something else"));
    next.answer(BLOB_BYTES);
    await expect(later).resolves.toBe(BLOB);
    expect(next.calls).toHaveLength(1);
  });

  it("of a payload that is deleted meanwhile leave nothing behind", async () => {
    const cache = new ExternalPayloadCache();
    const { request, answer } = held();
    const fetch = cache.fetch(reference, request);
    cache.delete(reference);
    answer(BLOB_BYTES);
    await expect(fetch).resolves.toBe(BLOB);
    expect(cache.size).toBe(0);
  });

  it("fail when the request throws at once", async () => {
    const cache = new ExternalPayloadCache();
    await expect(cache.fetch(reference, throwAtOnce)).rejects.toThrow("not even a promise");
    await expect(cache.fetch(reference, async () => BLOB_BYTES)).resolves.toBe(BLOB);
  });
});
