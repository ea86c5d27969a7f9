// What the first task costs a process: importing the bundle, and one task answered, over the same with a handler that answers
// nothing. Lambda's handler is called as its runtime calls it, Node's over HTTP.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { build } from "esbuild";
import { median } from "./lib.mjs";

const ROUNDS = 15;
const AIM_MS = 5;
const adapters = fileURLToPath(new URL("../packages/carrier/dist/adapters/", import.meta.url));
const HANDLERS = "{ greet: (name) => `Hello, ${name}` }";

/** For each platform: a module with the carrier, one with nothing, and what is done with either. */
const PLATFORMS = {
  lambda: {
    carrier: `import { lambdaInvocableActivityHandler } from "./lambda.js";
      export const handler = lambdaInvocableActivityHandler(${HANDLERS});`,
    empty: `export const handler = async () => ({ statusCode: 200, body: "{}" });`,
    before: "",
    call: `const { statusCode, body } = await handler({
      requestContext: { http: { method: "POST" } },
      headers: { "content-type": "application/json" },
      body: task,
      isBase64Encoded: false,
    }, { getRemainingTimeInMillis: () => 10_000 });
    const answer = { status: statusCode, body };`,
  },
  node: {
    carrier: `import { nodeInvocableActivityHandler } from "./node.js";
      export const handler = nodeInvocableActivityHandler(${HANDLERS});`,
    empty: `export const handler = (request, response) => { request.resume().on("end", () => response.end("{}")); };`,
    before: `import { createServer, request } from "node:http";`,
    call: `const server = createServer(handler);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const answer = await new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(task) };
      const asked = request({ port: server.address().port, host: "127.0.0.1", method: "POST", agent: false, headers });
      asked.once("error", reject);
      asked.once("response", async (response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode, body });
      });
      asked.end(task);
    });
    server.close();`,
  },
};

export async function coldStartBenchmarks() {
  const folder = mkdtempSync(join(tmpdir(), "carrier-cold-start-"));
  try {
    const task = JSON.stringify(buildTaskInput({ activityType: "greet", args: ["Ada"] }));
    console.log("\nimporting a bundle and answering a first task, over an empty handler");
    for (const [name, { carrier, empty, before, call }] of Object.entries(PLATFORMS)) {
      const programs = {};
      for (const [kind, code] of Object.entries({ carrier, empty })) {
        const outfile = join(folder, `${name}-${kind}.mjs`);
        const stdin = { contents: code, resolveDir: adapters };
        await build({ stdin, outfile, bundle: true, minify: true, format: "esm", platform: "node" });
        programs[kind] = join(folder, `${name}-${kind}-first.mjs`);
        const program = `${before}
          const task = ${JSON.stringify(task)};
          const started = performance.now();
          const { handler } = await import(${JSON.stringify(pathToFileURL(outfile).href)});
          ${call}
          const ms = performance.now() - started;
          console.log(JSON.stringify({ ms, ...answer }));`;
        writeFileSync(programs[kind], program);
      }
      const times = { carrier: [], empty: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const [kind, file] of Object.entries(programs)) times[kind].push(firstTask(file, kind));
      }
      const cost = median(times.carrier) - median(times.empty);
      console.log(`  ${name.padEnd(7)} ${cost.toFixed(2)} ms  aim ${AIM_MS} ms: ${cost <= AIM_MS ? "met" : "MISSED"}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function firstTask(file, kind) {
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  const { ms, status, body } = JSON.parse(stdout || "{}");
  const isAnswered = status === 200 && (kind === "empty" || body.includes('"succeeded"'));
  if (!isAnswered) throw new Error(`the task was not answered: ${stdout}${stderr}`);
  return ms;
}
