export type { DispatcherEvent, DrainReport, EventListener, EventStream } from "@durable-workflow/dispatcher/leasing";
export type { ActivityWorker, WorkerHealth } from "./api.js";
export type { ActivityWorkerOptions, TokenSource } from "./options.js";
export { handleSignals, type WorkerSignalOptions } from "./signals.js";
export { createActivityWorker } from "./worker.js";
