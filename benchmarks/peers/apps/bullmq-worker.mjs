// BullMQ's worker. Arguments: the port of Redis.
import { Worker } from "bullmq";
import { Redis } from "ioredis";

const connection = new Redis(Number(process.argv[2]), { maxRetriesPerRequest: null });
const activities = { greet: (name) => `Hello, ${name}`, size: (text) => text.length };
const worker = new Worker("default", async (job) => activities[job.name](job.data.argument), {
  connection,
  concurrency: 64,
});
await worker.waitUntilReady();
console.log("ready");
