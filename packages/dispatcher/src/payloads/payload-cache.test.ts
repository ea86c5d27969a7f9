import { describe, expect, it } from "vitest";
import { type CachedKey, PayloadCache } from "./payload-cache.js";

type Outcome =
  | { readonly kind: "fetched"; readonly bytes: Buffer }
  | { readonly kind: "unavailable"; readonly bytes?: never };

const never = new AbortController().signal;
const key = (id: string, namespace = "default"): CachedKey => {
  return { namespace, referenceId: id, sha256: "s", sizeBytes: 1 };
};
const bytes = (length: number): Buffer => Buffer.alloc(length);

describe("the cache of payloads", () => {
  it("drops the least recently used beyond its entries, and beyond its bytes", () => {
    const cache = new PayloadCache<Outcome>({ maxEntries: 2, maxBytes: 100 });
    cache.keep(key("a"), bytes(10));
    cache.keep(key("b"), bytes(10));
    cache.get(key("a"));
    cache.keep(key("c"), bytes(10));
    expect(["a", "b", "c"].map((id) => cache.get(key(id))?.length)).toEqual([10, undefined, 10]);
    cache.keep(key("d"), bytes(95));
    expect([cache.size, cache.bytes]).toEqual([1, 95]);
    cache.keep(key("e"), bytes(101));
    expect(cache.get(key("e"))).toBeUndefined();
    expect(cache.bytes).toBe(95);
  });

  it("keeps no larger buffer alive for the part that is one payload", () => {
    const cache = new PayloadCache<Outcome>({ maxEntries: 2, maxBytes: 100 });
    cache.keep(key("a"), Buffer.alloc(1000).subarray(0, 50));
    expect(cache.get(key("a"))?.buffer.byteLength).toBe(50);
  });

  it("gives nothing to another namespace", () => {
    const cache = new PayloadCache<Outcome>();
    cache.keep(key("a"), bytes(10));
    expect(cache.get(key("a", "other"))).toBeUndefined();
  });

  it("fetches once for all who ask meanwhile, and keeps no failure", async () => {
    const cache = new PayloadCache<Outcome>();
    let fetches = 0;
    let answer: ((outcome: Outcome) => void) | undefined;
    const fetch = (): Promise<Outcome> => {
      fetches++;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const asked = [1, 2, 3].map(() => cache.once(key("a"), fetch, never));
    answer?.({ kind: "unavailable" });
    expect((await Promise.all(asked)).map((outcome) => outcome?.kind)).toEqual(Array(3).fill("unavailable"));
    const again = cache.once(key("a"), fetch, never);
    answer?.({ kind: "fetched", bytes: bytes(5) });
    expect((await again)?.kind).toBe("fetched");
    expect([fetches, cache.bytes]).toEqual([2, 5]);
  });

  it("goes on fetching as long as one waits, and gives up when nobody does", async () => {
    const cache = new PayloadCache<Outcome>();
    const signals: AbortSignal[] = [];
    let answer: ((outcome: Outcome) => void) | undefined;
    const fetch = (signal: AbortSignal): Promise<Outcome> => {
      signals.push(signal);
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const [one, two] = [new AbortController(), new AbortController()];
    const first = cache.once(key("a"), fetch, one.signal);
    const second = cache.once(key("a"), fetch, two.signal);
    one.abort();
    expect(await first).toBeUndefined();
    expect(signals[0]?.aborted).toBe(false);
    answer?.({ kind: "fetched", bytes: bytes(5) });
    expect((await second)?.kind).toBe("fetched");
    const third = cache.once(key("b"), fetch, two.signal);
    two.abort();
    expect(await third).toBeUndefined();
    expect(signals[1]?.aborted).toBe(true);
  });
});
