import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../test/support/fake-clock.js";
import { checkAgainstModel } from "../../../test/support/idempotency-model.js";
import { type IdempotencyStoreSubject, idempotencyStoreContract } from "../../testing/idempotency-store-contract.js";
import { MemoryIdempotencyStore, type MemoryIdempotencyStoreOptions } from "./memory-store.js";

function subject(): IdempotencyStoreSubject {
  const clock = new FakeClock();
  const elapse = (ms: number): Promise<void> => {
    clock.block(ms);
    return Promise.resolve();
  };
  return { store: new MemoryIdempotencyStore({ clock }), leaseMs: 30_000, elapse };
}

describe("the store contract", () => {
  it.each(idempotencyStoreContract.map((entry) => [entry.id, entry] as const))("%s", (_, { check }) =>
    check(subject()),
  );

  it("holds for any sequence of calls", () => checkAgainstModel(subject, 500));
});

/** Puts outcomes into a store, and tells which are still there. */
function filling(options: MemoryIdempotencyStoreOptions) {
  const clock = new FakeClock();
  const store = new MemoryIdempotencyStore({ clock, ...options });
  const claim = (key: string) => store.claim(key, { owner: "a", fingerprint: "f", leaseMs: 1000 });
  return {
    clock,
    claim,
    finish: async (key: string, record = "done", ttlMs = 60_000) => {
      await claim(key);
      return store.complete(key, { owner: "a", record, ttlMs });
    },
    remembers: async (...keys: string[]) => {
      const states = await Promise.all(
        keys.map((key) => store.claim(key, { owner: "b", fingerprint: "f", leaseMs: 1 })),
      );
      return keys.filter((_, index) => states[index]?.state === "finished");
    },
    sizes: () => ({ held: store["held"].size, finished: store["finished"].size, bytes: store["bytes"] }),
  };
}

describe("a full store", () => {
  it("forgets the outcomes that were longest not asked for", async () => {
    const { finish, claim, remembers } = filling({ maxEntries: 3 });
    for (const key of ["1", "2", "3"]) await finish(key);
    await claim("1");
    await finish("4");
    expect(await remembers("1", "2", "3", "4")).toEqual(["1", "3", "4"]);
  });

  it("counts keys and records against its bytes", async () => {
    const { finish, claim, remembers, sizes } = filling({ maxBytes: 30 });
    await finish("12345", "0123456789");
    await claim("12345");
    await finish("23456", "0123456789");
    expect(sizes()).toEqual({ held: 0, finished: 2, bytes: 30 });
    await finish("3", "");
    expect(await remembers("12345", "23456", "3")).toEqual(["23456", "3"]);
  });

  it("does not keep a record that is too large by itself, and drops the others for it", async () => {
    const { finish, remembers, sizes } = filling({ maxBytes: 30 });
    await finish("1");
    expect(await finish("2", "x".repeat(40))).toBe(true);
    expect(sizes()).toEqual({ held: 0, finished: 0, bytes: 0 });
    expect(await remembers("1", "2")).toEqual([]);
  });

  it("never forgets what runs", async () => {
    const { claim, finish, remembers, sizes } = filling({ maxEntries: 1, maxBytes: 10 });
    for (let index = 0; index < 50; index++) await claim(`runs ${index}`);
    for (let index = 0; index < 5; index++) await finish(`${index}`);
    expect(sizes()).toEqual({ held: 50, finished: 1, bytes: 5 });
    expect(await remembers("3", "4", "runs 7")).toEqual(["4"]);
  });
});

describe("time", () => {
  it("takes the memory of outcomes that are asked for too late", async () => {
    const { clock, finish, remembers, sizes } = filling({});
    await finish("1", "done", 1000);
    clock.block(1000);
    expect(await remembers("1")).toEqual([]);
    expect(sizes()).toEqual({ held: 1, finished: 0, bytes: 0 });
  });

  it("takes the memory of owners that never came back", async () => {
    const { clock, claim, sizes } = filling({});
    for (let index = 0; index < 50; index++) await claim(`dead ${index}`);
    clock.block(1000);
    await claim("alive");
    expect(sizes()).toEqual({ held: 1, finished: 0, bytes: 0 });
  });

  it("leaves those alone that renew their lease, wherever they stand", async () => {
    const { clock, claim, sizes } = filling({});
    await claim("renewed");
    await claim("dead");
    clock.block(500);
    await claim("renewed");
    clock.block(500);
    await claim("another");
    expect(sizes()).toEqual({ held: 2, finished: 0, bytes: 0 });
  });

  it("is not that of the wall clock", async () => {
    const { clock, finish, remembers } = filling({});
    await finish("1", "done", 1000);
    clock.setWallClock(clock.now() + 1_000_000);
    expect(await remembers("1")).toEqual(["1"]);
  });

  it("is the system's by default", async () => {
    const store = new MemoryIdempotencyStore();
    const claim = { owner: "a", fingerprint: "f", leaseMs: 1 };
    await store.claim("k", claim);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await store.claim("k", { ...claim, owner: "b" })).toEqual({ state: "claimed" });
  });
});

it.each([
  [{ maxEntries: 0 }, "maxEntries must be an integer >= 1, got 0"],
  [{ maxEntries: 1.5 }, "maxEntries must be an integer >= 1, got 1.5"],
  [{ maxBytes: Number.POSITIVE_INFINITY }, "maxBytes must be an integer >= 1, got Infinity"],
  [{ maxBytes: "64" as unknown as number }, "maxBytes must be an integer >= 1, got a string"],
])("refuses %j", (options, message) => {
  expect(() => new MemoryIdempotencyStore(options)).toThrow(new TypeError(message));
});
