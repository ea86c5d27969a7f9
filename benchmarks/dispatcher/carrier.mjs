// Child of dispatcher.mjs: the least that a carrier does. On request it holds every task until told otherwise.
import { createServer } from "node:http";

const metadata = { handler: "billing.charge-card", carrier: "bench", duration_ms: 0 };
let holding = false;
let held = [];

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { id, kind, attempt, idempotency_key } = JSON.parse(Buffer.concat(chunks).toString("utf8")).task;
    const body = JSON.stringify({
      schema: "durable-workflow.v2.external-task-result",
      version: 1,
      outcome: { status: "succeeded", recorded: false },
      task: { id, kind, attempt, idempotency_key },
      result: { payload: { codec: "avro", blob: "wwHioz3/VYAiNwA=" }, metadata: null },
      metadata,
    });
    const answer = () => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
      response.end(body);
    };
    if (holding) held.push(answer);
    else answer();
  });
});
server.keepAliveTimeout = 600_000;

process.on("message", (wish) => {
  if (wish === "hold") holding = true;
  if (wish === "release") {
    holding = false;
    for (const answer of held) answer();
    held = [];
  }
  process.send({ held: held.length });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.send({ url: `http://127.0.0.1:${port}/` });
});
