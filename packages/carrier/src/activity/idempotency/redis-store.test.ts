import { Cluster, Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis-5";
import { createClient, createClientPool, createCluster } from "redis";
import { createClient as createClient4 } from "redis-4";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkAgainstModel } from "../../../test/support/idempotency-model.js";
import {
  hasRedisServer,
  REDIS_MISSING,
  type RedisServer,
  startRedisServer,
} from "../../../test/support/redis-server.js";
import { type IdempotencyStoreSubject, idempotencyStoreContract } from "../../testing/idempotency-store-contract.js";
import { type IoredisClient, type NodeRedisClient, RedisIdempotencyStore } from "./redis-store.js";

interface Connected {
  readonly client: IoredisClient | NodeRedisClient;
  close(): unknown;
}

interface Client {
  readonly name: string;
  readonly cluster?: boolean;
  readonly connect: (port: number) => Promise<Connected>;
}

const url = (port: number): string => `redis://127.0.0.1:${port}`;

const CLIENTS: readonly Client[] = [
  {
    name: "ioredis 6",
    async connect(port) {
      const client = new Redis(port, "127.0.0.1");
      return { client, close: () => client.quit() };
    },
  },
  {
    name: "ioredis 5",
    async connect(port) {
      const client = new Redis5(port, "127.0.0.1");
      return { client, close: () => client.quit() };
    },
  },
  {
    name: "redis 6",
    async connect(port) {
      const client = createClient({ url: url(port) });
      await client.connect();
      return { client, close: () => client.close() };
    },
  },
  {
    name: "redis 6, RESP 3",
    async connect(port) {
      const client = createClient({ url: url(port), RESP: 3 });
      await client.connect();
      return { client, close: () => client.close() };
    },
  },
  {
    name: "redis 6, a pool",
    async connect(port) {
      const client = createClientPool({ url: url(port) });
      await client.connect();
      return { client, close: () => client.close() };
    },
  },
  {
    name: "redis 4",
    async connect(port) {
      const client = createClient4({ url: url(port) });
      await client.connect();
      return { client, close: () => client.quit() };
    },
  },
  {
    name: "ioredis 6, a cluster",
    cluster: true,
    async connect(port) {
      const client = new Cluster([{ host: "127.0.0.1", port }]);
      return { client, close: () => client.quit() };
    },
  },
  {
    name: "redis 6, a cluster",
    cluster: true,
    async connect(port) {
      const client = createCluster({ rootNodes: [{ url: url(port) }] });
      await client.connect();
      return { client, close: () => client.close() };
    },
  },
];

const LEASE_MS = 30_000;
let subjects = 0;

/**
 * A store of its own prefix, whose time is made to pass by taking it off each key's time to live: real time is far too
 * short for any lease here, and may pass as well.
 */
function subject(client: IoredisClient | NodeRedisClient, observer: Redis): IdempotencyStoreSubject {
  const prefix = `test-${++subjects}:`;
  return {
    store: new RedisIdempotencyStore({ client, prefix }),
    leaseMs: LEASE_MS,
    async elapse(ms) {
      for (const key of await observer.keysBuffer(`${prefix}*`)) {
        const left = await observer.pttl(key);
        expect(left, "every key has a time to live").toBeGreaterThan(0);
        await (left <= ms ? observer.del(key) : observer.pexpire(key, left - ms));
      }
    },
  };
}

const claim = { owner: "a", fingerprint: "f", leaseMs: LEASE_MS };

const installed = hasRedisServer();

describe.each((installed ? CLIENTS : []).map((client) => [client.name, client] as const))(
  "%s",
  (_, { connect, cluster = false }) => {
    let server: RedisServer;
    let observer: Redis;
    let connected: Connected;

    beforeAll(async () => {
      server = await startRedisServer({ cluster });
      observer = new Redis(server.port, "127.0.0.1");
      connected = await connect(server.port);
    });
    afterAll(async () => {
      await connected.close();
      observer.disconnect();
      await server.stop();
    });

    it.each(idempotencyStoreContract.map((entry) => [entry.id, entry] as const))("%s", (__, { check }) =>
      check(subject(connected.client, observer)),
    );

    it("holds the contract for any sequence of calls", () =>
      checkAgainstModel(() => subject(connected.client, observer), 60));

    it("keeps keys as they are, behind the prefix, with the times it was given", async () => {
      const store = new RedisIdempotencyStore({ client: connected.client });
      await store.claim("order {7} é", { ...claim, leaseMs: 20_000 });
      expect(await observer.keys("*order*")).toEqual(["durable-workflow:idempotency:order {7} é"]);
      const key = "durable-workflow:idempotency:order {7} é";
      expect(await observer.pttl(key)).toBeLessThanOrEqual(20_000);
      await store.complete("order {7} é", { owner: "a", record: "r", ttlMs: 50_000_000_000 });
      expect(await observer.pttl(key)).toBeGreaterThan(49_000_000_000);
    });

    it("refuses what another program keeps under the key, with the reason as code", async () => {
      const store = new RedisIdempotencyStore({ client: connected.client, prefix: "" });
      await observer.set("text", "finished-by another program");
      await observer.rpush("list", "running 1 a f");
      await expect(store.claim("text", claim)).rejects.toMatchObject({ code: "FOREIGN_VALUE" });
      await observer.set("empty", "");
      await expect(store.claim("empty", claim)).rejects.toMatchObject({ code: "FOREIGN_VALUE" });
      await expect(store.claim("list", claim)).rejects.toMatchObject({ code: "WRONGTYPE" });
      await expect(store.complete("list", { owner: "a", record: "r", ttlMs: 1000 })).rejects.toThrow("WRONGTYPE");
      await expect(store.release("list", { owner: "a" })).rejects.toThrow("WRONGTYPE");
      expect(await observer.get("text")).toBe("finished-by another program");
    });
  },
);

if (!installed) it.skip(REDIS_MISSING, () => {});

it.each([
  [{ client: undefined }, "client must be a client of ioredis or redis, got nothing without eval"],
  [{ client: {} }, "client must be a client of ioredis or redis, got an object without eval"],
  [{ client: "redis://127.0.0.1" }, "client must be a client of ioredis or redis, got a string without eval"],
  [{ client: { eval: () => Promise.resolve("") }, prefix: 7 }, "prefix must be a string, got 7"],
])("refuses %j", (options, message) => {
  const make = (): unknown => new RedisIdempotencyStore(options as never);
  expect(make).toThrow(new TypeError(message));
});

describe("clients of another kind", () => {
  it("are served in the shape of node-redis, and may answer with bytes", async () => {
    const calls: unknown[] = [];
    const client: NodeRedisClient = {
      eval(script, options) {
        calls.push([script.includes("'NX'"), options]);
        return Promise.resolve(new TextEncoder().encode("=finished \ufeffdone"));
      },
    };
    const store = new RedisIdempotencyStore({ client, prefix: "p:" });
    expect(await store.claim("k", claim)).toEqual({ state: "finished", record: "\ufeffdone" });
    expect(calls).toEqual([[true, { keys: ["p:k"], arguments: ["running 1 a ", "f", "30000"] }]]);
  });

  it.each([
    [null],
    [undefined],
    [0],
    [{}],
    [""],
    ["OK"],
    ["="],
    ["=running"],
    ["=running x a f"],
    ["=finished"],
    ["finished x"],
  ])("make nothing of an answer like %j", async (answer) => {
    const store = new RedisIdempotencyStore({ client: { eval: () => Promise.resolve(answer) } });
    await expect(store.claim("k", claim)).rejects.toMatchObject({ code: "FOREIGN_VALUE" });
  });

  it("may throw where they should reject", async () => {
    const client: NodeRedisClient = {
      eval() {
        throw new Error("the client is closed");
      },
    };
    await expect(new RedisIdempotencyStore({ client }).claim("k", claim)).rejects.toThrow("the client is closed");
  });
});
