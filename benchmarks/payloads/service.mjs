// Child of payloads.mjs: the dispatcher, and how much memory it had at most since it was asked last.
import { createDispatcher } from "../../packages/dispatcher/dist/index.js";

const [, serverUrl, url] = process.argv.slice(2);
const dispatcher = createDispatcher({
  connection: { serverUrl },
  environment: {},
  profilesPath: "does-not-exist.json",
  responseLimitBytes: 256 * 2 ** 20,
  config: {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "bench" },
    carriers: { bench: { type: "invocable_http", url } },
    mappings: [{ name: "echo", kind: "activity", activity_type: "echo", carrier: "bench", handler: "echo" }],
  },
});
await dispatcher.start();
let peak = 0;
let sampling;
process.on("message", (question) => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000, peakBytes: peak });
  // Looking at memory and collecting garbage take time of their own: not while that is measured.
  if (question !== "peak") return;
  globalThis.gc?.();
  peak = process.memoryUsage.rss();
  sampling ??= setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
});
process.on("SIGTERM", () => process.exit());
process.send({});
