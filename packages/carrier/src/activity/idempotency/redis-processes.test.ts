import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../../test/support/deferred.js";
import { activityInfo, idempotentTask } from "../../../test/support/idempotent-task.js";
import { DONE } from "../../../test/support/keyed-tasks.js";
import {
  hasRedisServer,
  REDIS_MISSING,
  type RedisServer,
  startRedisServer,
} from "../../../test/support/redis-server.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import { recordingLogger } from "../../testing/recording-logger.js";
import { systemClock } from "../clock.js";
import type { TaskOutcome } from "../run/failures.js";
import { Idempotency, type IdempotentRun } from "./idempotency.js";
import { type IdempotencyOptions, resolveIdempotencyOptions } from "./options.js";
import { RedisIdempotencyStore } from "./redis-store.js";

/*
 * Several processes' worth of carriers over a real server, on the system's clock. Nothing here depends on how fast it
 * is: leases are far longer than what happens within them, or what is waited for may take as long as it likes.
 */

forbidUnhandledRejections();

const installed = hasRedisServer();

let server: RedisServer;
const open: (() => unknown)[] = [];

/** The errors that clients emit while their server is away are expected, and would end the process. */
const ignored = (): void => {};

function ioredis(options: object = {}): Redis {
  const client = new Redis({ port: server.port, host: "127.0.0.1", retryStrategy: () => 50, ...options });
  client.on("error", ignored);
  open.push(() => client.disconnect());
  return client;
}

async function nodeRedis() {
  const client = createClient({ url: `redis://127.0.0.1:${server.port}`, socket: { reconnectStrategy: () => 50 } });
  client.on("error", ignored);
  await client.connect();
  open.push(() => client.destroy());
  return client;
}

type Client = ConstructorParameters<typeof RedisIdempotencyStore>[0]["client"];

/** The idempotency of one process. */
function carrier(client: Client, options: Partial<IdempotencyOptions> = {}): Idempotency {
  const store = new RedisIdempotencyStore({ client });
  return new Idempotency(resolveIdempotencyOptions({ store, ...options }), systemClock);
}

/** A handler that is done when the test says so. */
function handler() {
  const outcome = deferred<TaskOutcome>();
  const execute = vi.fn<() => Promise<TaskOutcome>>(() => outcome.promise);
  return {
    execute,
    finish: outcome.resolve,
    runs: () => expect.poll(() => execute).toHaveBeenCalled(),
  };
}

const waits = (run: IdempotentRun | undefined) => expect.poll(() => run?.waiting).toBe(true);

const CLIENTS: readonly (readonly [name: string, connect: () => Promise<Client>])[] = [
  ["ioredis", async () => ioredis()],
  ["redis", nodeRedis],
];

describe.each(installed ? CLIENTS : [])("%s", (_, connect) => {
  beforeEach(async () => {
    server = await startRedisServer();
  });
  afterEach(async () => {
    for (const close of open.splice(0)) close();
    await server.stop();
  });

  it("has one of many tasks of many processes run, and all answered alike", async () => {
    const processes = await Promise.all([1, 2, 3].map(async () => carrier(await connect())));
    const execute = vi.fn<() => Promise<TaskOutcome>>(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return DONE;
    });
    const runs = Array.from({ length: 60 }, (__, index) => processes[index % 3]!.start(idempotentTask(execute)));
    const outcomes = await Promise.all(runs.map(async (run) => run?.outcome));
    expect(outcomes).toEqual(runs.map(() => DONE));
    expect(execute).toHaveBeenCalledTimes(1);
  });

  it("answers a redelivery with what a handler came to after its task was answered", async () => {
    const first = carrier(await connect());
    const second = carrier(await connect());
    const slow = handler();
    const ending = new AbortController();
    const run = first.start(idempotentTask(slow.execute, { signal: ending.signal }));
    await slow.runs();
    ending.abort(new Error("the deadline"));
    const redelivered = handler();
    const again = second.start(idempotentTask(redelivered.execute));
    await waits(again);
    slow.finish(DONE);
    expect(await again?.outcome).toEqual(DONE);
    expect(redelivered.execute).not.toHaveBeenCalled();
    await run?.outcome;
  });

  it("fails a task for now while the server is down, and serves again when it is back", async () => {
    const client = await connect();
    const { port } = server;
    await server.stop();
    const idempotency = carrier(client, { storeTimeoutMs: 300 });
    const never = handler();
    const outcome = await idempotency.start(idempotentTask(never.execute))?.outcome;
    expect(outcome).toMatchObject({ type: "IdempotencyStoreUnavailable", retryable: true });
    expect(never.execute).not.toHaveBeenCalled();

    server = await startRedisServer({ port });
    await expect
      .poll(() => {
        const info = activityInfo({ idempotencyKey: crypto.randomUUID() });
        return idempotency.start(idempotentTask(() => Promise.resolve(DONE), { info }))?.outcome;
      })
      .toEqual(DONE);
  });

  it("fails a task for now while the server hangs, and takes back what it answers later", async () => {
    const client = await connect();
    const idempotency = carrier(client, { storeTimeoutMs: 300, leaseMs: 1_000_000 });
    server.pause();
    const never = handler();
    const outcome = await idempotency.start(idempotentTask(never.execute))?.outcome;
    expect(outcome).toMatchObject({
      type: "IdempotencyStoreUnavailable",
      message: "The handler was not run: claim of the idempotency store did not answer within 300 ms.",
    });
    server.resume();
    await expect
      .poll(() => {
        const info = activityInfo();
        return idempotency.start(idempotentTask(() => Promise.resolve(DONE), { info }))?.outcome;
      })
      .toEqual(DONE);
    expect(never.execute).not.toHaveBeenCalled();
  });

  it("lets a task run without a server where that is asked for", async () => {
    const client = await connect();
    await server.stop();
    const logger = recordingLogger();
    const idempotency = carrier(client, { storeTimeoutMs: 300, whenStoreFails: "run" });
    expect(await idempotency.start(idempotentTask(() => Promise.resolve(DONE), { logger }))?.outcome).toEqual(DONE);
    expect(logger.lines).toMatchObject([{ level: "warn", message: "The handler runs without idempotency." }]);
  });

  it("has a key taken again that the server forgot, while its handler runs", async () => {
    const { port } = server;
    const first = carrier(await connect(), { leaseMs: 600 });
    const second = carrier(await connect());
    const slow = handler();
    const run = first.start(idempotentTask(slow.execute));
    await slow.runs();
    await server.stop();
    server = await startRedisServer({ port });
    const observer = ioredis();
    await expect.poll(() => observer.keys("*")).toHaveLength(1);
    slow.finish(DONE);
    expect(await run?.outcome).toEqual(DONE);
    const never = handler();
    expect(await second.start(idempotentTask(never.execute))?.outcome).toEqual(DONE);
  });
});

const KILLED = "a process that is killed while its handler runs";

describe.skipIf(!installed)(installed ? KILLED : REDIS_MISSING, () => {
  const folder = fileURLToPath(new URL("../../../../../.cache/idempotency/", import.meta.url));
  const LEASE_MS = 8000;
  const program = `${folder}owner.mjs`;

  beforeAll(async () => {
    server = await startRedisServer();
    await build({
      entryPoints: [fileURLToPath(new URL("../../../test/support/idempotent-owner.ts", import.meta.url))],
      outfile: program,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      logLevel: "error",
    });
  });
  afterAll(async () => {
    for (const close of open.splice(0)) close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("loses its key with its lease, and not before", async () => {
    const owner = spawn(process.execPath, [program, String(server.port), String(LEASE_MS)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    open.push(() => owner.kill("SIGKILL"));
    await once(owner.stdout, "data");
    const { execute } = handler();
    execute.mockResolvedValue(DONE);
    const run = carrier(ioredis()).start(idempotentTask(execute));
    await waits(run);
    // Longer than its lease: it is renewed.
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 500));
    expect(execute).not.toHaveBeenCalled();

    owner.kill("SIGKILL");
    await once(owner, "exit");
    const observer = ioredis();
    const [key = ""] = await observer.keys("*");
    const left = await observer.pttl(key);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(LEASE_MS);
    expect(execute).not.toHaveBeenCalled();
    expect(await run?.outcome).toEqual(DONE);
    expect(execute).toHaveBeenCalledTimes(1);
  });
});
