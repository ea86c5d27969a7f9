import { expect, it } from "vitest";
import { PayloadTransport } from "../../test/support/payload-transport.js";
import type { EngineAnswer } from "../engine/reply.js";
import { PayloadPolicies, type PayloadPolicy } from "./policies.js";

const server = new PayloadTransport();
const on = (): EngineAnswer => {
  const body = { namespace: server.namespaceInfo() } as never;
  return { kind: "reply", status: 200, body, reason: null, message: "", retryAfterMs: undefined };
};
const broken: EngineAnswer = { kind: "broken", why: "unreachable", status: null, retryAfterMs: undefined };

it("asks once for those who ask together, again after a minute, and sooner when nobody answered", async () => {
  let now = 0;
  let answer: EngineAnswer = broken;
  const asked: string[] = [];
  const told: PayloadPolicy[] = [];
  const policies = new PayloadPolicies({
    clock: { now: () => now, monotonic: () => now, schedule: () => () => undefined },
    read: async (namespace) => {
      asked.push(namespace);
      return answer;
    },
    onChange: (_, policy) => told.push(policy),
  });
  expect(await Promise.all([policies.current("a"), policies.current("a")])).toEqual([undefined, undefined]);
  expect(asked).toEqual(["a"]);
  expect(policies.fresh("a"), "nothing is known").toBeUndefined();
  await policies.current("a");
  expect(asked.length).toBe(1);
  now = 5_000;
  answer = on();
  expect(await policies.current("a")).toMatchObject({ state: "on", transport: { thresholdBytes: 1024 } });
  now += 59_000;
  expect(policies.fresh("a")).toMatchObject({ state: "on" });
  await policies.current("a");
  await policies.current("b");
  expect(asked).toEqual(["a", "a", "b"]);
  // What is old counts until there is news, and where there is none.
  now += 1_000;
  expect(policies.fresh("a"), "it is to be asked for again").toBeUndefined();
  answer = broken;
  expect(await policies.current("a")).toMatchObject({ state: "on" });
  expect(asked.length).toBe(4);
  await Promise.resolve();
  expect(await policies.current("a")).toMatchObject({ state: "on" });
  expect(told.length).toBe(2);
  policies.doubt("a");
  expect(policies.fresh("a")).toBeUndefined();
  server.thresholdBytes = 2048;
  answer = on();
  await policies.current("a");
  await new Promise(setImmediate);
  expect(await policies.current("a")).toMatchObject({ transport: { thresholdBytes: 2048 } });
  expect(told.length).toBe(3);
});

it.each([
  [404, "off"],
  [405, "off"],
  [401, undefined],
  [503, undefined],
])("takes an answer of %i for %s", async (status, state) => {
  const policies = new PayloadPolicies({
    clock: { now: () => 0, monotonic: () => 0, schedule: () => () => undefined },
    read: async () => ({ ...on(), status }) as EngineAnswer,
  });
  expect((await policies.current("a"))?.state).toBe(state);
});

it("does not keep a task waiting for an answer that does not come", async () => {
  const waits: number[] = [];
  const policies = new PayloadPolicies({
    clock: {
      now: () => 0,
      monotonic: () => 0,
      schedule: (delayMs, callback) => {
        waits.push(delayMs);
        setImmediate(callback);
        return () => undefined;
      },
    },
    read: () => new Promise(() => undefined),
  });
  expect(await policies.current("a")).toBeUndefined();
  expect(waits).toEqual([2_000]);
});
