// What the first task costs a process: importing the bundle, and one task answered, over the same with a handler that answers
// nothing. Lambda's handler is called by Lambda's own runtime client, Node's over HTTP.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { build } from "esbuild";
import { lambdaClient } from "./cold-start/lambda-client.mjs";
import { median, quantile } from "./lib.mjs";

const ROUNDS = 15;
/** The share of rounds that are quicker than the one that counts. */
const QUIET_SHARE = 0.1;
const AIM_MS = 5;
const doors = fileURLToPath(new URL("../packages/carrier/dist/doors/", import.meta.url));
const HANDLERS = "{ greet: (name) => `Hello, ${name}` }";
const TASK = JSON.stringify(buildTaskInput({ activityType: "greet", args: ["Ada"] }));
const EVENT = {
  version: "2.0",
  rawPath: "/",
  rawQueryString: "",
  requestContext: { http: { method: "POST" } },
  headers: { "content-type": "application/json" },
  body: TASK,
  isBase64Encoded: false,
};

/** For each platform: a module with the carrier, and one with nothing. */
const PLATFORMS = {
  lambda: {
    carrier: `import { lambdaInvocableActivityHandler } from "./lambda.js";
      export const handler = lambdaInvocableActivityHandler(${HANDLERS});`,
    empty: `export const handler = async () => ({ statusCode: 200, body: "{}" });`,
  },
  node: {
    carrier: `import { nodeInvocableActivityHandler } from "./node.js";
      export const handler = nodeInvocableActivityHandler(${HANDLERS});`,
    empty: `export const handler = (request, response) => { request.resume().on("end", () => response.end("{}")); };`,
  },
};

export async function coldStartBenchmarks() {
  const folder = mkdtempSync(join(tmpdir(), "carrier-cold-start-"));
  try {
    console.log("\nimporting a bundle and answering a first task, over an empty handler");
    const askLambda = await lambdaClient(folder);
    const first = { lambda: askLambda && ((name) => askLambda(name, EVENT)), node: (name) => askNode(folder, name) };
    for (const [platform, kinds] of Object.entries(PLATFORMS)) {
      if (first[platform] === undefined) {
        console.log(
          `  ${platform.padEnd(7)} left out: Lambda's runtime client is not installed; npm run test:runtimes does`,
        );
        continue;
      }
      const times = { carrier: [], empty: [] };
      for (const [kind, contents] of Object.entries(kinds)) {
        const outfile = join(folder, `${platform}-${kind}.mjs`);
        const stdin = { contents, resolveDir: doors };
        await build({ stdin, outfile, bundle: true, minify: true, format: "esm", platform: "node" });
      }
      for (let round = 0; round < ROUNDS; round++) {
        for (const kind of Object.keys(kinds)) {
          times[kind].push(answered(await first[platform](`${platform}-${kind}`), kind));
        }
      }
      const over = (measure, of) => measure(times.carrier.map(of)) - measure(times.empty.map(of));
      // What else the machine does only adds to the time; of the processor's, it adds little.
      const ms = over(
        (all) => quantile(all, QUIET_SHARE),
        (one) => one.ms,
      );
      const processorMs = over(median, (one) => one.processorMs);
      const verdict = ms < AIM_MS ? "met" : "MISSED";
      const shown = `${ms.toFixed(2)} ms  aim below ${AIM_MS} ms: ${verdict} (processor time, all threads: ${processorMs.toFixed(2)} ms)`;
      console.log(`  ${platform.padEnd(7)} ${shown}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns how long it took, in milliseconds, and for how long processors worked on it */
function answered({ stdout, stderr }, kind) {
  const { ms, processor, status, body } = JSON.parse(stdout || "{}");
  const isAnswered = status === 200 && (kind === "empty" || body.includes('"succeeded"'));
  if (!isAnswered) throw new Error(`the task was not answered: ${stdout}${stderr}`);
  return { ms, processorMs: (processor.user + processor.system) / 1000 };
}

function askNode(folder, name) {
  const file = join(folder, `${name}-first.mjs`);
  writeFileSync(
    file,
    `import { createServer, request } from "node:http";
    const task = ${JSON.stringify(TASK)};
    const [started, worked] = [performance.now(), process.cpuUsage()];
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, `${name}.mjs`)).href)});
    const server = createServer(handler);
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
    const [ms, processor] = [performance.now() - started, process.cpuUsage(worked)];
    server.close();
    console.log(JSON.stringify({ ms, processor, ...answer }));`,
  );
  return spawnSync(process.execPath, [file], { encoding: "utf8" });
}
