/** Records as the local engine's store has them, for tests and benchmarks that work below the API. Types: `store-records.d.mts`. */

/** One attempt, and no limit of time. */
export const ONE_ATTEMPT = {
  maxAttempts: 1,
  backoffSeconds: [],
  nonRetryableErrorTypes: [],
  startToCloseSeconds: null,
  scheduleToStartSeconds: null,
  scheduleToCloseSeconds: null,
  heartbeatSeconds: null,
};

/** What worker `w` says of itself who takes activities of type `t` at the queue `q`, and nothing else. */
export const PLAIN_WORKER = {
  namespace: "default",
  taskQueue: "q",
  workerId: "w",
  runtime: "typescript",
  sdkVersion: null,
  buildId: null,
  workflowTypes: [],
  activityTypes: ["t"],
  maxWorkflowTasks: 1,
  maxActivityTasks: 1,
  processIdentity: null,
  capabilities: [],
  capabilityManifest: {},
  maxWorkerSessions: 10,
  taskSlots: null,
  processMetrics: null,
  heartbeatInterval: null,
};

/** A start of an activity of type `t` at the queue `q`, under an id that the engine makes. */
export const PLAIN_START = {
  namespace: "default",
  activityId: null,
  activityType: "t",
  activityClass: "t",
  taskQueue: "q",
  businessKey: null,
  policy: ONE_ATTEMPT,
  input: null,
  fingerprint: "",
};
