// The Node adapter on loopback against a bare node:http server that parses and stringifies the same JSON.
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { median } from "./lib.mjs";
import { smallTask } from "./task.mjs";

const ROUNDS = 9;
const REQUESTS = 2_500;
const CONNECTIONS = 16;
const body = Buffer.from(JSON.stringify(smallTask()));

export async function nodeBenchmarks() {
  const kinds = ["bare", "adapter"];
  const servers = {};
  const rates = { bare: [], adapter: [] };
  const cpus = { bare: [], adapter: [] };
  for (const kind of kinds) {
    const child = fork(fileURLToPath(new URL("server.mjs", import.meta.url)), [kind]);
    const [{ port }] = await once(child, "message");
    servers[kind] = { child, port, agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }) };
    await load(servers[kind], REQUESTS);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of kinds) {
      const before = await cpu(servers[kind].child);
      const started = performance.now();
      await load(servers[kind], REQUESTS);
      rates[kind].push((REQUESTS / (performance.now() - started)) * 1000);
      cpus[kind].push(((await cpu(servers[kind].child)) - before) / REQUESTS);
    }
  }
  for (const kind of kinds) {
    servers[kind].agent.destroy();
    servers[kind].child.kill();
  }
  const rate = median(rates.adapter) / median(rates.bare);
  const cost = median(cpus.adapter) / median(cpus.bare);
  console.log("\nthe Node adapter on loopback, against a bare node:http server with the same JSON");
  console.log(
    `  requests/s   ${median(rates.adapter).toFixed(0)} of ${median(rates.bare).toFixed(0)}: ` +
      `${(rate * 100).toFixed(0)} %  aim at least 65 %: ${rate >= 0.65 ? "met" : "MISSED"}`,
  );
  console.log(
    `  CPU/request  ${median(cpus.adapter).toFixed(1)} us, ${median(cpus.bare).toFixed(1)} us: ` +
      `${cost.toFixed(2)}x  aim 1.55x: ${cost <= 1.55 ? "met" : "MISSED"}`,
  );
}

async function cpu(child) {
  const answer = once(child, "message");
  child.send("cpu");
  const [{ cpu: usage }] = await answer;
  return usage.user + usage.system;
}

async function load({ port, agent }, count) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await post(port, agent);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

/** @returns {Promise<void>} */
function post(port, agent) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const sent = request({ port, host: "127.0.0.1", method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`answered ${response.statusCode}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
