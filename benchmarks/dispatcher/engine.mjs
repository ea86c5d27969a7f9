// Child of dispatcher.mjs: an engine that keeps its tasks in memory and does as little as the protocol allows.
import { Agent, createServer, request } from "node:http";
import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import { smallTask } from "../task.mjs";

/** What it says of itself: its version, and whether leases are kept by renewals. */
const { version = PROTOCOL_VERSION, renews = false } = JSON.parse(process.argv[2] ?? "{}");
const LEASE_MS = 300_000;
const waiting = [];
const leasedAt = new Map();
const capabilities = { long_poll_timeout: 30, ...(renews ? { activity_lease_renewal: true } : {}) };
const fixed = `"protocol_version":"${version}","server_capabilities":${JSON.stringify(capabilities)}}`;
const now = (ms = 0) => new Date(Date.now() + ms).toISOString().replace("Z", "000Z");
const tail = () => (renews ? `"server_time":"${now()}",${fixed}` : fixed);
let ready = 0;
let toSchedule = 0;
let open = 0;
let number = 0;
let took = [];
let finished = () => {};

function reply(response, status, text) {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  response.writeHead(status, headers);
  response.end(text);
}

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
  reply(response, 200, `{"task":${JSON.stringify(task)},${tail()}`);
}

function poll(response, body) {
  if (ready > 0) {
    ready--;
    lease(response, body);
    return;
  }
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

function complete(response, path) {
  const id = path.split("/").at(-2);
  took.push(performance.now() - leasedAt.get(id));
  leasedAt.delete(id);
  /** @type {import("@durable-workflow/engine-protocol/worker").ReportAnswer} */
  const answer = {
    task_id: id,
    activity_attempt_id: `ATTEMPT-${id}`,
    outcome: "completed",
    recorded: true,
    reason: null,
    next_task_id: null,
  };
  reply(response, 200, `${JSON.stringify(answer).slice(0, -1)},${tail()}`);
  open--;
  if (toSchedule > 0) schedule();
  else if (open === 0) finished();
}

const server = createServer((incoming, response) => {
  const chunks = [];
  incoming.on("data", (chunk) => chunks.push(chunk));
  incoming.on("end", () => {
    const path = incoming.url;
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (path.endsWith("/poll")) poll(response, body);
    else if (path.endsWith("/complete")) complete(response, path);
    else if (path.endsWith("/info")) reply(response, 200, `{"worker_protocol":{"version":"${version}"},${tail()}`);
    else reply(response, path.endsWith("/register") ? 201 : 200, `{"can_continue":true,${tail()}`);
  });
});
server.keepAliveTimeout = 600_000;

/** POSTs the same task as often, one after the other, the way the dispatcher does. */
async function postDirectly(url, posts) {
  const agent = new Agent({ keepAlive: true });
  const body = Buffer.from(JSON.stringify(smallTask()));
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

process.on("message", ({ tasks, atOnce, direct, posts }) => {
  if (direct !== undefined) {
    void postDirectly(direct, posts).then((times) => process.send({ direct: times }));
    return;
  }
  took = [];
  toSchedule = tasks;
  const started = performance.now();
  finished = () => process.send({ took, elapsedMs: performance.now() - started });
  for (let count = 0; count < atOnce; count++) schedule();
});
server.listen(0, "127.0.0.1", () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
