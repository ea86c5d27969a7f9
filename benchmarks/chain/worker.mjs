// Activities in the process that leases them. Argument: the engine's address.
import { createActivityWorker } from "@durable-workflow/worker";
import * as activities from "./activities.mjs";

const worker = createActivityWorker({
  activities: { ...activities },
  taskQueue: "default",
  serverUrl: process.argv[2],
  environment: {},
});
await worker.start();
console.log("worker ready");
