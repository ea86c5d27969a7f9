// One task through all that is installed: client, engine, dispatcher with log and metrics, and carrier. Prints what came of it.
import { serve } from "@durable-workflow/carrier/serve";
import { createClient } from "@durable-workflow/client";
import { undiciTransport } from "@durable-workflow/client/undici";
import { createDispatcher, logEvents } from "@durable-workflow/dispatcher";
import { createLogger } from "@durable-workflow/dispatcher/logging";
import { createMetrics } from "@durable-workflow/dispatcher/metrics";
import { createLocalEngine } from "@durable-workflow/local-engine";

const engine = createLocalEngine({ file: "chain.sqlite" });
const { url: serverUrl } = await engine.listen();
const carrier = await serve({ greet: (/** @type {string} */ name) => `Hello, ${name}` }, { port: 0 });
const dispatcher = createDispatcher({
  connection: { serverUrl },
  environment: {},
  config: {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "greetings" },
    carriers: { own: { type: "invocable_http", url: carrier.url } },
    mappings: [{ name: "greet", kind: "activity", activity_type: "greet", carrier: "own", handler: "greet" }],
  },
});
const lines = [];
logEvents(dispatcher.events, createLogger({}, { write: (line) => lines.push(JSON.parse(line)) }));
const metrics = createMetrics(dispatcher, { processMetrics: true });
await dispatcher.start();
const transport = undiciTransport();
const client = createClient({ serverUrl, transport, defaults: { taskQueue: "greetings" } });
const greeting = await client.execute("greet", ["Ada"]);
await client.close();
await dispatcher.drain();
await carrier.close();
await engine.close();
const ends = await metrics.getSingleMetric("dw_dispatcher_tasks_total").get();
const counted = ends.values.map(({ labels, value }) => [labels.end, value]);
console.log(JSON.stringify({ greeting, counted, logged: lines.some(({ event }) => event === "task_ended") }));
