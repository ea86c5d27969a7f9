// The least that a round trip over HTTP/1.1 costs: a server that parses JSON and answers, undici on the other side. Arguments:
// "server", or "client" with an address and how many.
import { createServer } from "node:http";
import { Pool } from "undici";
import { quantile } from "../lib.mjs";

const BODY = JSON.stringify({
  activity_type: "greet",
  task_queue: "default",
  input: ["Ada 1234"],
  activity_id: "01M80000000000000000000001",
  retry_policy: { max_attempts: 1 },
});
const IN_FLIGHT = 64;
const ALONE = 300;

if (process.argv[2] === "server") {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { activity_id: id } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      const text = JSON.stringify({ activity_id: id, status: "running", task_queue: "default", attempt: 1 });
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
      response.end(text);
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    console.log(`bare http://127.0.0.1:${port}`);
  });
} else {
  const [, , , url, count] = process.argv;
  const pool = new Pool(url, { connections: IN_FLIGHT });
  const askOnce = async () => {
    const { body } = await pool.request({
      path: "/api/activities",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: BODY,
    });
    JSON.parse(await body.text());
  };
  const ask = async (times) => {
    let left = times;
    const lane = async () => {
      while (left-- > 0) await askOnce();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  };
  await ask(5_000);
  const took = [];
  for (let trip = 0; trip < ALONE; trip++) {
    const started = performance.now();
    await askOnce();
    took.push(performance.now() - started);
  }
  console.log(`alone ${quantile(took, 0.5)}`);
  console.log("warm");
  const before = process.cpuUsage();
  await ask(Number(count));
  const { user, system } = process.cpuUsage(before);
  console.log(`client ${(user + system) / Number(count)}`);
  await pool.close();
}
