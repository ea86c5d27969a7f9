// DBOS runs in the process that is called: an HTTP server around it. Arguments: the address of PostgreSQL.
import { createServer } from "node:http";
import { DBOS } from "@dbos-inc/dbos-sdk";

const activities = { greet: async (name) => `Hello, ${name}`, size: async (text) => text.length };
const workflows = Object.fromEntries(
  Object.entries(activities).map(([name, run]) => [name, DBOS.registerWorkflow(run, { name })]),
);
DBOS.setConfig({ name: "chain", systemDatabaseUrl: process.argv[2], runAdminServer: false, logLevel: "error" });
await DBOS.launch();
let open = 0;

const server = createServer((request, response) => {
  void answer(request, response);
});

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let said = { open };
  if (request.method === "POST") {
    const { type, argument, waits } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const handle = await DBOS.startWorkflow(workflows[type])(argument);
    if (waits) said = { result: await handle.getResult() };
    else {
      open++;
      void handle.getResult().finally(() => open--);
    }
  }
  const text = JSON.stringify(said);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
server.listen(0, "127.0.0.1", () => console.log(`ready ${server.address().port}`));
