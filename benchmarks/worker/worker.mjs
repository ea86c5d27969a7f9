// Child of worker.mjs: the same activities in the process that leases them.
import { createActivityWorker } from "../../packages/worker/dist/index.js";
import { activities } from "./activities.mjs";
import { answerUsage } from "./usage.mjs";

const worker = createActivityWorker({
  activities,
  taskQueue: "bench",
  serverUrl: process.argv[2] ?? "",
  environment: {},
  maxInFlight: 200,
  maxPolls: 24,
});
answerUsage();
await worker.start();
process.send?.({});
