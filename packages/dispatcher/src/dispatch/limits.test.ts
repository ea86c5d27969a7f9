import { parseExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { FakeClock } from "@durable-workflow/test-support/clock";
import { lampsConfig } from "@durable-workflow/test-support/lamps-config";
import { describe, expect, it } from "vitest";
import { CarrierBreaker } from "./breaker.js";
import { laneWorkerId } from "./lane-plan.js";
import { resolveOptions } from "./options.js";
import { planLanes } from "./plan-lanes.js";
import { SlotPool } from "./slots.js";

const never = new AbortController().signal;

describe("slots", () => {
  it("are limited in all and for each carrier, and go to who waited longest", async () => {
    const pool = new SlotPool(4, 3, ["a", "b"]);
    const releases = [pool.tryAcquire("a"), pool.tryAcquire("a"), pool.tryAcquire("a")];
    expect(releases.every((release) => release !== undefined)).toBe(true);
    expect(pool.tryAcquire("a")).toBeUndefined();
    const order: string[] = [];
    const first = pool.acquire("a", never).then(() => order.push("first"));
    const second = pool.acquire("a", never).then(() => order.push("second"));
    releases[0]?.();
    releases[1]?.();
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
    expect(pool.inUse).toBe(3);
  });

  it("keep one for every carrier, however busy another is", () => {
    const pool = new SlotPool(4, 4, ["a", "b", "c"]);
    // Four in all, of which one each is kept for b and c.
    expect([1, 2, 3, 4].map(() => pool.tryAcquire("a") !== undefined)).toEqual([true, true, false, false]);
    expect(pool.tryAcquire("b")).toBeDefined();
    expect(pool.tryAcquire("c")).toBeDefined();
    expect(pool.inUse).toBe(4);
  });

  it("pass by those whose carrier has all it may have", async () => {
    const pool = new SlotPool(3, 1, ["a", "b"]);
    pool.tryAcquire("a");
    const blocked = pool.acquire("a", never);
    expect(pool.contends("b")).toBe(false);
    expect(pool.contends("a")).toBe(true);
    expect(await pool.acquire("b", never)).toBeDefined();
    expect(await Promise.race([blocked, Promise.resolve("still waiting")])).toBe("still waiting");
  });

  it("given back twice count once, and nobody waits past an abort", async () => {
    const pool = new SlotPool(1, 1, ["a"]);
    const release = pool.tryAcquire("a");
    const abort = new AbortController();
    const waiting = pool.acquire("a", abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
    expect(await pool.acquire("a", abort.signal)).toBeUndefined();
    release?.();
    release?.();
    expect(pool.inUse).toBe(0);
    expect(pool.tryAcquire("a")).toBeDefined();
    expect(pool.tryAcquire("a")).toBeUndefined();
  });
});

function breaker(probes: boolean[] = []) {
  const clock = new FakeClock();
  const states: string[] = [];
  const tested = new CarrierBreaker({
    clock,
    failures: 3,
    firstPauseMs: 1_000,
    longestPauseMs: 4_000,
    probe: () => Promise.resolve(probes.shift() ?? true),
    onState: (state, _, pauseMs) => states.push(pauseMs === null ? state : `${state} ${pauseMs}`),
  });
  const fail = (times: number): void => {
    for (let time = 0; time < times; time++) tested.failed();
  };
  return { clock, states, tested, fail };
}

describe("a circuit breaker", () => {
  it("opens after so many failures in a row", () => {
    const { tested, fail } = breaker();
    fail(2);
    tested.succeeded();
    fail(2);
    expect(tested.tryPass()).toBe(true);
    fail(1);
    expect(tested.state).toBe("open");
    expect(tested.tryPass()).toBe(false);
  });

  it("lets one task through once the carrier can be connected to, and its end decides", async () => {
    const { clock, states, tested, fail } = breaker([false, true]);
    fail(3);
    let woken = 0;
    tested.whenChanged(() => woken++);
    await clock.advance(1_000);
    expect(tested.state).toBe("open");
    // It is looked for again after twice as long.
    await clock.advance(1_900);
    expect(tested.state).toBe("open");
    await clock.advance(100);
    expect(tested.state).toBe("half_open");
    expect(woken).toBe(1);
    expect([tested.tryPass(), tested.tryPass()]).toEqual([true, false]);
    tested.failed();
    expect(tested.state).toBe("open");
    await clock.advance(2_000);
    expect(tested.tryPass()).toBe(true);
    tested.succeeded();
    expect(tested.state).toBe("closed");
    expect(states).toEqual(["open 1000", "half_open", "open 2000", "half_open", "closed"]);
  });

  it("hands the trial on when it found no task", async () => {
    const { clock, tested, fail } = breaker();
    fail(3);
    await clock.advance(1_000);
    expect(tested.tryPass()).toBe(true);
    tested.returnTrial();
    expect(tested.tryPass()).toBe(true);
  });

  it("pauses no longer than told, and leaves no timer behind", async () => {
    const { clock, states, tested, fail } = breaker();
    fail(3);
    for (let time = 0; time < 4; time++) {
      await clock.advance(4_000);
      expect(tested.tryPass()).toBe(true);
      tested.failed();
    }
    expect(states.filter((state) => state.startsWith("open"))).toEqual([
      "open 1000",
      "open 2000",
      "open 4000",
      "open 4000",
      "open 4000",
    ]);
    tested.close();
    expect(clock.liveTimers).toBe(0);
  });
});

const shown = (plans: ReturnType<typeof planLanes>) =>
  plans.map(({ namespace, taskQueue, carrier, activityTypes }) => [namespace, taskQueue, carrier, activityTypes]);

describe("registrations", () => {
  const config = parseExecutorConfig(lampsConfig());
  it("are one for each queue and carrier", () => {
    expect(shown(planLanes(config, undefined, "cellar"))).toEqual([
      ["cellar", "lamps", "web", ["lamps.dim"]],
      ["cellar", "lamps", "local", ["lamps.count"]],
    ]);
  });

  it("may be for several namespaces and queues, and for activities that only the engine maps", () => {
    const queues = [
      { taskQueue: "lamps", namespace: "Attic" },
      { taskQueue: "lamps", activityTypes: ["lamps.count", "other"] },
      { taskQueue: "unmapped", activityTypes: ["x", "y"] },
    ];
    expect(shown(planLanes(config, queues, "cellar"))).toEqual([
      ["attic", "lamps", "web", ["lamps.dim"]],
      ["attic", "lamps", "local", ["lamps.count"]],
      ["cellar", "lamps", "local", ["lamps.count"]],
      ["cellar", "lamps", null, ["other"]],
      ["cellar", "unmapped", null, ["x"]],
      ["cellar", "unmapped", null, ["y"]],
    ]);
  });

  it("have names of their own, the same every time", () => {
    const plans = planLanes(config, undefined, "cellar");
    const names = plans.map((plan) => laneWorkerId("d", plan));
    expect(new Set(names).size).toBe(2);
    expect(names).toEqual(planLanes(config, undefined, "cellar").map((plan) => laneWorkerId("d", plan)));
    expect(names[0]).toMatch(/^d:[0-9a-f]{10}$/);
  });

  it("need to know the types", () => {
    expect(() => planLanes(config, [{ taskQueue: "other" }], "cellar")).toThrow(
      'the executor config maps no activity of "other": give its activityTypes',
    );
  });
});

it.each<[object, string]>([
  [{ maxInFlight: 0 }, "maxInFlight must be an integer >= 1"],
  [{ workerId: "" }, "workerId must be 1 to 200 visible ASCII characters"],
  [{ workerId: "a b" }, "workerId must be 1 to 200 visible ASCII characters"],
  [{ drainMs: -1 }, "drainMs must be an integer >= 0"],
  [{ maxInFlightPerCarrier: 1.5 }, "maxInFlightPerCarrier must be an integer >= 1"],
  [{ breaker: { failures: 0 } }, "breaker.failures must be an integer >= 1"],
  [{ queues: [] }, "queues must not be empty"],
  [{ queues: [{ taskQueue: "" }] }, "each taskQueue must be a non-empty string"],
  [{ queues: [{ taskQueue: "q", activityTypes: [] }] }, "activityTypes must not be empty"],
  [
    { credentials: { a: { type: "env", env: "A", origins: ["https://x.example/path"] } } },
    "credentials.a.origins must be origins",
  ],
])("refuses the options %o", (options, message) => {
  expect(() => resolveOptions(options)).toThrow(message);
});
