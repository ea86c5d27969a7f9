import { createActivityWorker, handleSignals } from "@durable-workflow/worker";
import { activities } from "./activities.ts";
import { TASK_QUEUE } from "./contract.ts";

const worker = createActivityWorker({
  activities,
  taskQueue: TASK_QUEUE,
  serverUrl: process.env["DURABLE_WORKFLOW_SERVER_URL"] ?? "http://127.0.0.1:7070",
});
handleSignals(worker);
await worker.start();
console.log(`The worker takes activities of the task queue ${TASK_QUEUE}.`);
