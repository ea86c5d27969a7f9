// node benchmarks/client.mjs: what a request of the client costs of CPU, over a bare one of node:http with the same headers
// and body, against a server in another process.
import { fork } from "node:child_process";
import { Agent, createServer, request } from "node:http";
import process from "node:process";
import { createClient, fetchTransport } from "@durable-workflow/client";

const COUNT = 5_000;
const ROUNDS = 5;
const DESCRIPTION = JSON.stringify({
  activity_id: "a",
  workflow_run_id: "r",
  activity_type: "greet",
  task_queue: "default",
  status: "running",
  activity_status: "pending",
  attempt_count: 0,
  started_at: "2026-01-01T00:00:00.000000Z",
});

if (process.argv[2] === "serve") {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(DESCRIPTION);
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    process.send(port);
  });
} else {
  const child = fork(new URL(import.meta.url), ["serve"]);
  const port = await new Promise((resolve) => child.once("message", resolve));
  const serverUrl = `http://127.0.0.1:${port}`;
  const token = "operator-token";
  const agent = new Agent({ keepAlive: true });
  const headers = {
    accept: "application/json",
    authorization: `Bearer ${token}`,
    "x-namespace": "default",
    "x-durable-workflow-control-plane-version": "2",
  };
  const bare = () =>
    new Promise((resolve, reject) => {
      request(`${serverUrl}/api/activities/a`, { agent, headers }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      })
        .on("error", reject)
        .end();
    });
  const client = createClient({ serverUrl, token });
  const overFetch = createClient({ serverUrl, token, transport: fetchTransport() });
  const kinds = {
    "bare node:http": bare,
    client: () => client.handle("a").describe(),
    "client over fetch": () => overFetch.handle("a").describe(),
  };
  const best = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(kinds)) {
      for (let count = 0; count < 300; count++) await run();
      const before = process.cpuUsage();
      for (let count = 0; count < COUNT; count++) await run();
      const { user, system } = process.cpuUsage(before);
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, (user + system) / COUNT);
    }
  }
  for (const [name, micros] of Object.entries(best)) {
    console.log(`${name.padEnd(18)} ${micros.toFixed(1)} us of CPU a request`);
  }
  const more = best.client - best["bare node:http"];
  console.log(`the client costs ${more.toFixed(1)} us more than a bare request; at most 40`);
  if (more > 40) process.exitCode = 1;
  await client.close();
  agent.destroy();
  child.kill();
}
