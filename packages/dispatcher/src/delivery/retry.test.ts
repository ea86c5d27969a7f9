import type { ActivityMapping } from "@durable-workflow/engine-protocol/executor-config";
import { describe, expect, it } from "vitest";
import { leasedTask } from "../../test/support/tasks.js";
import { isRetryableStatus, mayPass, retryDelayMs, Unreached } from "./retry.js";
import { configuredTimeout, deadlineLeft, tightest } from "./timeouts.js";

const policy = (maxAttempts: number, backoffSeconds: readonly number[]) => ({
  maxAttempts,
  backoffSeconds,
  retryableStatusCodes: [429, "5xx"] as const,
});

describe("transport retries", () => {
  it("follow the list of pauses, whose last one repeats", () => {
    expect([1, 2, 3, 4, 5].map((tries) => retryDelayMs(policy(5, [1, 3]), tries))).toEqual([
      1_000,
      3_000,
      3_000,
      3_000,
      undefined,
    ]);
    expect(retryDelayMs(policy(2, []), 1)).toBe(0);
    expect(retryDelayMs(policy(1, [1]), 1)).toBeUndefined();
  });

  it.each([
    [429, true],
    [500, true],
    [599, true],
    [408, false],
    [200, false],
    [600, false],
  ])("for status %s: %s", (status, expected) => {
    expect(isRetryableStatus(policy(1, []), status)).toBe(expected);
  });
});

const mapping = (carrier: number | null, own: number | null): ActivityMapping => ({
  name: "dim",
  taskQueue: "q",
  activityType: "t",
  handler: "h",
  authRef: null,
  source: "config",
  timeoutSeconds: own,
  carrier: { type: "process", name: "p", command: ["x"], environment: {}, timeoutSeconds: carrier },
});

describe("how long a delivery may take", () => {
  it.each([
    [30, 20, 20_000],
    [20, 30, 20_000],
    [30, null, 30_000],
    [null, 20, 20_000],
    [null, null, 900_000],
  ])("carrier %s s, mapping %s s: %s ms", (carrier, own, ms) => {
    expect(configuredTimeout(mapping(carrier, own))).toEqual({ name: "timeout_seconds", ms });
  });

  it("is bounded by the deadlines of the attempt, by the engine's clock", () => {
    const now = Date.UTC(2999, 0, 1);
    const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString();
    const none = leasedTask().deadlines;
    const left = (deadlines: object) => deadlineLeft(leasedTask({ deadlines: { ...none, ...deadlines } }), now);
    expect(left({})).toBeUndefined();
    expect(left({ start_to_close: at(5), schedule_to_close: at(9) })).toEqual({ name: "start_to_close", ms: 5_000 });
    expect(left({ start_to_close: at(5), schedule_to_close: at(3) })).toEqual({ name: "schedule_to_close", ms: 3_000 });
    expect(left({ schedule_to_start: at(-5), heartbeat: at(1) })).toBeUndefined();
    expect(left({ start_to_close: at(-5) })?.ms).toBe(-5_000);
    expect(tightest({ name: "timeout_seconds", ms: 1 }, left({ start_to_close: at(5) })).ms).toBe(1);
    expect(tightest({ name: "timeout_seconds", ms: 9_000 }, left({ start_to_close: at(5) })).ms).toBe(5_000);
  });
});

describe("a carrier that nothing can be sent to", () => {
  it("is tried again after doubles of 100 ms, up to a second and a quarter, for as long as was asked for", () => {
    const unreached = new Unreached(10_000);
    const waits = Array.from({ length: 40 }, () => unreached.next());
    const given = waits.filter((wait) => wait !== undefined);
    expect(given[0]).toBeGreaterThanOrEqual(100);
    expect(given[0]).toBeLessThanOrEqual(125);
    expect(Math.max(...given)).toBeLessThanOrEqual(1_250);
    expect(given.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(10_000);
    expect(given.length).toBeLessThan(waits.length);
    expect(new Unreached(0).next()).toBeUndefined();
  });

  it.each<[unknown, boolean]>([
    [{ code: "ECONNREFUSED" }, true],
    [{ code: "ENOTFOUND" }, true],
    [{ code: "UND_ERR_CONNECT_TIMEOUT" }, true],
    [{ code: "AGGREGATE", errors: [{ code: "ECONNREFUSED" }, { code: "EHOSTUNREACH" }] }, true],
    [{ errors: [{ code: "ECONNREFUSED" }, { code: "CERT_HAS_EXPIRED" }] }, false],
    [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, false],
    [new Error("no code"), false],
    [null, false],
  ])("may come back, or not: %j is %s", (error, expected) => {
    expect(mayPass(error)).toBe(expected);
  });
});
