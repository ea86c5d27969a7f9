import { ACTIVITIES_PATH, ACTIVITY_PATH } from "./activity-paths.js";

/** Every path of the engine's API, once. `:name` stands for a part that `pathTo` fills in. */

/** All paths of the worker plane begin so. The rest is the control plane, but for health and readiness. */
export const WORKER_PLANE = "/api/worker/";

const TASK = `${WORKER_PLANE}activity-tasks/:task` as const;
const WORKFLOW = "/api/workflows/:id";
const RUN = `${WORKFLOW}/runs/:run` as const;
const QUEUE = "/api/task-queues/:queue";
const TIMEOUTS = "/api/system/activity-timeouts";
const REPAIR = "/api/system/repair";
const PAYLOADS = "/api/external-payloads/v1";
const INSPECTION = "/api/inspection";

/** Every path of the engine's API that is used here, each once. Parts with a colon are filled in by `pathOf`. */
export const PATHS = {
  health: "/api/health",
  ready: "/api/ready",
  clusterInfo: "/api/cluster/info",
  payloads: PAYLOADS,
  payload: `${PAYLOADS}/:reference`,

  register: `${WORKER_PLANE}register`,
  workerHeartbeat: `${WORKER_PLANE}heartbeat`,
  registration: `${WORKER_PLANE}registrations/:worker`,
  deregister: `${WORKER_PLANE}registrations/:worker/deregister`,
  inputSchemas: `${WORKER_PLANE}input-schemas`,
  poll: `${WORKER_PLANE}activity-tasks/poll`,
  reports: `${WORKER_PLANE}activity-tasks/reports`,
  complete: `${TASK}/complete`,
  fail: `${TASK}/fail`,
  heartbeat: `${TASK}/heartbeat`,
  renewLease: `${TASK}/renew-lease`,
  status: `${TASK}/status`,
  workflowTaskPoll: `${WORKER_PLANE}workflow-tasks/poll`,
  queryTaskPoll: `${WORKER_PLANE}query-tasks/poll`,
  workflowTaskHeartbeat: `${WORKER_PLANE}workflow-tasks/:task/heartbeat`,

  activities: ACTIVITIES_PATH,
  activity: ACTIVITY_PATH,
  cancel: `${WORKFLOW}/cancel`,
  terminate: `${WORKFLOW}/terminate`,
  cancelRun: `${RUN}/cancel`,
  terminateRun: `${RUN}/terminate`,
  history: `${RUN}/history`,
  events: "/api/events",
  inspection: INSPECTION,
  inspectedActivities: `${INSPECTION}/activities`,
  inspectedActivity: `${INSPECTION}/activity`,
  inspectedInputSchemas: `${INSPECTION}/input-schemas`,
  workers: "/api/workers",
  worker: "/api/workers/:worker",
  namespaces: "/api/namespaces",
  namespace: "/api/namespaces/:name",
  drainQueue: `${QUEUE}/drain`,
  resumeQueue: `${QUEUE}/resume`,
  timeouts: TIMEOUTS,
  timeoutPass: `${TIMEOUTS}/pass`,
  repair: REPAIR,
  repairPass: `${REPAIR}/pass`,
} as const;

/** Routes of what an engine of activities alone does not have: service operations, and the calls that workflows made of them. */
export const SERVICE_OPERATION_PATHS =
  /^\/api\/(?:service-endpoints(?:\/|$)|workflows\/[^/]+\/(?:runs\/[^/]+\/)?nexus-operations$)/;

/** A path of the engine's API, with its parts still open. */
export type PathPattern = (typeof PATHS)[keyof typeof PATHS];
