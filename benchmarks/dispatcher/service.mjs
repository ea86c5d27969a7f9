// Child of dispatcher.mjs: the dispatcher as the package has it, with metrics and logs fed.
import { createDispatcher, logEvents } from "../../packages/dispatcher/dist/index.js";
import { createLogger } from "../../packages/dispatcher/dist/logging.js";
import { createMetrics } from "../../packages/dispatcher/dist/metrics.js";

const [serverUrl, url] = process.argv.slice(2);
const dispatcher = createDispatcher({
  connection: { serverUrl },
  environment: {},
  profilesPath: "does-not-exist.json",
  maxInFlight: 1_100,
  maxPolls: 24,
  config: {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "bench" },
    carriers: { bench: { type: "invocable_http", url } },
    mappings: [
      { name: "b", kind: "activity", activity_type: "billing.charge-card", carrier: "bench", handler: "charge" },
    ],
  },
});
createMetrics(dispatcher);
logEvents(dispatcher.events, createLogger({ level: "warn" }));
await dispatcher.start();

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  process.send({ cpuMs: (user + system) / 1000, rssMb: rss / 2 ** 20, heapMb: heapUsed / 2 ** 20 });
});
process.send({});
