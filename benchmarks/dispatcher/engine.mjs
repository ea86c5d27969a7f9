// Child of dispatcher.mjs: an engine that keeps its tasks in memory and does as little as the protocol allows.
import { Agent, createServer, request } from "node:http";
import { PATHS, PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import { smallTask } from "../task.mjs";

/** What it says of itself: its version, and whether leases are kept by renewals. */
const { version = PROTOCOL_VERSION, renews = false } = JSON.parse(process.argv[2] ?? "{}");
const LEASE_MS = 300_000;
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {import("@durable-workflow/engine-protocol/worker").PollAnswer} PollAnswer */
/** @typedef {import("@durable-workflow/engine-protocol/worker").ReportAnswer} ReportAnswer */
/** @typedef {import("@durable-workflow/engine-protocol/worker").RegisterAnswer} RegisterAnswer */
/** @typedef {import("@durable-workflow/engine-protocol/worker").WorkerHeartbeatAnswer} WorkerHeartbeatAnswer */
/** @typedef {import("@durable-workflow/engine-protocol/worker").TaskHeartbeatAnswer} TaskHeartbeatAnswer */
/** @typedef {import("@durable-workflow/engine-protocol/worker").DeregisterAnswer} DeregisterAnswer */
/** @typedef {Omit<import("@durable-workflow/engine-protocol/worker").LeaseRenewalAnswer, "server_time">} LeaseRenewalAnswer */
/** @typedef {PollAnswer | ReportAnswer | TaskHeartbeatAnswer | LeaseRenewalAnswer} TaskAnswer */
/** @typedef {TaskAnswer | RegisterAnswer | WorkerHeartbeatAnswer | DeregisterAnswer} WorkerAnswer */
/** @typedef {import("@durable-workflow/engine-protocol/worker").Ownership} Ownership */

/** @type {[Response, import("@durable-workflow/engine-protocol/worker").PollBody][]} */
const waiting = [];
/** @type {Map<string, number>} */
const leasedAt = new Map();
const capabilities = { long_poll_timeout: 30, ...(renews ? { activity_lease_renewal: true } : {}) };
const fixed = `"protocol_version":"${version}","server_capabilities":${JSON.stringify(capabilities)}}`;
const now = (ms = 0) => new Date(Date.now() + ms).toISOString().replace("Z", "000Z");
const tail = () => (renews ? `"server_time":"${now()}",${fixed}` : fixed);
let ready = 0;
let toSchedule = 0;
let open = 0;
let number = 0;
/** @type {number[]} */
let took = [];
let finished = () => {};

/** @param {unknown} message */
function tell(message) {
  process.send?.(message);
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {string} text
 */
function reply(response, status, text) {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  response.writeHead(status, headers);
  response.end(text);
}

/**
 * An answer of the worker plane: what is asked for, and what every answer ends with.
 *
 * @param {Response} response
 * @param {number} status
 * @param {WorkerAnswer} answer
 */
function replyAsWorkerPlane(response, status, answer) {
  reply(response, status, `${JSON.stringify(answer).slice(0, -1)},${tail()}`);
}

/**
 * @param {Response} response
 * @param {import("@durable-workflow/engine-protocol/worker").PollBody} body
 */
function lease(response, { worker_id }) {
  const id = String(++number);
  leasedAt.set(id, performance.now());
  /** @type {import("@durable-workflow/engine-protocol/worker").PolledTask} */
  const task = {
    task_id: id,
    workflow_id: "wf",
    run_id: "run",
    activity_execution_id: `execution-${id}`,
    activity_attempt_id: `ATTEMPT-${id}`,
    attempt_number: 1,
    activity_type: "billing.charge-card",
    payload_codec: "avro",
    arguments: smallTask().payloads.arguments,
    task_queue: "bench",
    lease_owner: worker_id,
    lease_expires_at: now(LEASE_MS),
  };
  replyAsWorkerPlane(response, 200, { task, poll_status: "leased" });
}

/**
 * @param {Response} response
 * @param {import("@durable-workflow/engine-protocol/worker").PollBody} body
 */
function poll(response, body) {
  if (ready > 0) {
    ready--;
    lease(response, body);
    return;
  }
  /** @type {[Response, import("@durable-workflow/engine-protocol/worker").PollBody]} */
  const held = [response, body];
  waiting.push(held);
  // A dispatcher that has ended takes no tasks.
  response.on("close", () => {
    const index = waiting.indexOf(held);
    if (index !== -1) waiting.splice(index, 1);
  });
}

function schedule() {
  toSchedule--;
  open++;
  const held = waiting.shift();
  if (held === undefined) ready++;
  else lease(...held);
}

/**
 * @param {Response} response
 * @param {string} path
 */
function complete(response, path) {
  const id = path.split("/").at(-2) ?? "";
  took.push(performance.now() - (leasedAt.get(id) ?? 0));
  leasedAt.delete(id);
  /** @type {ReportAnswer} */
  const answer = {
    task_id: id,
    activity_attempt_id: `ATTEMPT-${id}`,
    outcome: "completed",
    recorded: true,
    reason: null,
    next_task_id: null,
  };
  replyAsWorkerPlane(response, 200, answer);
  open--;
  if (toSchedule > 0) schedule();
  else if (open === 0) finished();
}

/**
 * @param {string} path
 * @param {Ownership} body
 * @returns {TaskHeartbeatAnswer}
 */
function heartbeatTaken(path, { activity_attempt_id, lease_owner }) {
  return {
    task_id: path.split("/").at(-2) ?? "",
    activity_attempt_id,
    lease_owner,
    cancel_requested: false,
    can_continue: true,
    reason: null,
    run_closed_reason: null,
    heartbeat_recorded: true,
    lease_expires_at: now(LEASE_MS),
  };
}

/**
 * @param {string} path
 * @param {Ownership} body
 * @returns {LeaseRenewalAnswer}
 */
function leaseRenewed(path, { activity_attempt_id, lease_owner }) {
  const id = path.split("/").at(-2) ?? "";
  return {
    task_id: id,
    workflow_task_id: id,
    workflow_instance_id: "wf",
    workflow_run_id: "run",
    activity_execution_id: `execution-${id}`,
    activity_attempt_id,
    attempt_number: 1,
    lease_owner,
    lease_renewed: true,
    can_continue: true,
    cancel_requested: false,
    heartbeat_recorded: false,
    reason: null,
    lease_expires_at: now(LEASE_MS),
    last_heartbeat_at: null,
    heartbeat_deadline_at: null,
  };
}

const server = createServer((incoming, response) => {
  /** @type {Buffer[]} */
  const chunks = [];
  incoming.on("data", (chunk) => chunks.push(chunk));
  incoming.on("end", () => {
    const path = incoming.url ?? "";
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (path.endsWith("/poll")) poll(response, body);
    else if (path.endsWith("/complete")) complete(response, path);
    else if (path.endsWith("/info")) reply(response, 200, `{"worker_protocol":{"version":"${version}"},${tail()}`);
    else if (path.endsWith("/register"))
      replyAsWorkerPlane(response, 201, { worker_id: body.worker_id, registered: true });
    else if (path === PATHS.workerHeartbeat)
      replyAsWorkerPlane(response, 200, { worker_id: body.worker_id, acknowledged: true });
    else if (path.endsWith("/heartbeat")) replyAsWorkerPlane(response, 200, heartbeatTaken(path, body));
    else if (path.endsWith("/renew-lease")) replyAsWorkerPlane(response, 200, leaseRenewed(path, body));
    else {
      const worker_id = path.split("/").at(-1) ?? "";
      replyAsWorkerPlane(response, 200, { worker_id, outcome: "deregistered", recovered_workflow_task_count: 0 });
    }
  });
});
server.keepAliveTimeout = 600_000;

/**
 * POSTs the same task as often, one after the other, the way the dispatcher does.
 *
 * @param {string} url
 * @param {number} posts
 */
async function postDirectly(url, posts) {
  const agent = new Agent({ keepAlive: true });
  const body = Buffer.from(JSON.stringify(smallTask()));
  /** @type {number[]} */
  const times = [];
  for (let count = 0; count < posts + 100; count++) {
    const started = performance.now();
    await new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const sent = request(url, { method: "POST", agent, headers }, (response) => response.resume().on("end", resolve));
      sent.on("error", reject).end(body);
    });
    // The first ones warm it up.
    if (count >= 100) times.push(performance.now() - started);
  }
  agent.destroy();
  return times;
}

/** @param {{ tasks: number, atOnce: number, direct?: string, posts: number }} message */
function work({ tasks, atOnce, direct, posts }) {
  if (direct !== undefined) {
    void postDirectly(direct, posts).then((times) => tell({ direct: times }));
    return;
  }
  took = [];
  toSchedule = tasks;
  const started = performance.now();
  finished = () => tell({ took, elapsedMs: performance.now() - started });
  for (let count = 0; count < atOnce; count++) schedule();
}

process.on("message", work);
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  tell({ url: `http://127.0.0.1:${port}` });
});
