import { describe, expect, it } from "vitest";
import { activityInfo } from "../../../test/support/idempotent-task.js";
import { MemoryIdempotencyStore } from "./memory-store.js";
import { byExecution, type IdempotencyOptions, resolveIdempotencyOptions } from "./options.js";

const store = new MemoryIdempotencyStore();
const resolve = (options: unknown) => resolveIdempotencyOptions(options as IdempotencyOptions);

describe("the options", () => {
  it("have their defaults", () => {
    const { key, ...others } = resolve({ store });
    expect(others).toEqual({
      store,
      ttlMs: 86_400_000,
      leaseMs: 30_000,
      storeTimeoutMs: 5000,
      whenStoreFails: "fail",
    });
    expect(key(activityInfo(), [])).toBe("attempt-lamp-7-b");
  });

  it("may all be given, also as undefined", () => {
    const given = { store, key: byExecution, ttlMs: 1, leaseMs: 100, storeTimeoutMs: 1, whenStoreFails: "run" };
    expect(resolve(given)).toEqual(given);
    expect(resolve({ store, key: undefined, ttlMs: undefined, whenStoreFails: undefined })).toMatchObject({
      ttlMs: 86_400_000,
      whenStoreFails: "fail",
    });
  });

  const methods = { claim: () => {}, complete: () => {}, release: () => {} };
  const milliseconds = "must be a whole number of milliseconds from";

  it.each([
    [undefined, "idempotency must be an object, got nothing"],
    [[], "idempotency must be an object, got a list"],
    [{}, "idempotency.store must have the methods claim, complete and release, claim is missing"],
    [{ store: null }, "idempotency.store must have the methods claim, complete and release, claim is missing"],
    [
      { store: { ...methods, complete: true } },
      "idempotency.store must have the methods claim, complete and release, complete is missing",
    ],
    [{ store, key: "taskId" }, "idempotency.key must be a function, got a string"],
    [{ store, key: null }, "idempotency.key must be a function, got null"],
    [{ store, ttlMs: 0 }, `idempotency.ttlMs ${milliseconds} 1 to 9007199254740991, got 0`],
    [{ store, ttlMs: "1h" }, `idempotency.ttlMs ${milliseconds} 1 to 9007199254740991, got a string`],
    [{ store, leaseMs: 99 }, `idempotency.leaseMs ${milliseconds} 100 to 2147483647, got 99`],
    [{ store, leaseMs: 2 ** 31 }, `idempotency.leaseMs ${milliseconds} 100 to 2147483647, got 2147483648`],
    [{ store, storeTimeoutMs: 0.5 }, `idempotency.storeTimeoutMs ${milliseconds} 1 to 2147483647, got 0.5`],
    [{ store, storeTimeoutMs: Number.NaN }, `idempotency.storeTimeoutMs ${milliseconds} 1 to 2147483647, got NaN`],
    [{ store, whenStoreFails: "ignore" }, 'idempotency.whenStoreFails must be "fail" or "run"'],
    [{ store, whenStoreFails: null }, 'idempotency.whenStoreFails must be "fail" or "run"'],
  ])("are refused when they make no sense: %j", (options, message) => {
    expect(() => resolve(options)).toThrow(new TypeError(message));
  });
});

describe("byExecution", () => {
  it("holds over attempts where the execution is known", () => {
    expect(byExecution(activityInfo())).toBe("execution-lamp-7");
    expect(byExecution(activityInfo({ executionId: undefined }))).toBe("attempt-lamp-7-b");
  });
});
