// A program that takes a key and never comes back: node idempotent-owner.mjs PORT LEASE_MS
import { Redis } from "ioredis";
import { systemClock } from "../../src/activity/clock.js";
import { Idempotency } from "../../src/activity/idempotency/idempotency.js";
import { resolveIdempotencyOptions } from "../../src/activity/idempotency/options.js";
import { RedisIdempotencyStore } from "../../src/activity/idempotency/redis-store.js";
import { idempotentTask } from "./idempotent-task.js";

const [port, leaseMs] = process.argv.slice(2).map(Number);
const store = new RedisIdempotencyStore({ client: new Redis(port ?? 0, "127.0.0.1") });
const idempotency = new Idempotency(resolveIdempotencyOptions({ store, leaseMs: leaseMs ?? 0 }), systemClock);
idempotency.start(
  idempotentTask(() => {
    process.stdout.write("running\n");
    return new Promise(() => {});
  }),
);
