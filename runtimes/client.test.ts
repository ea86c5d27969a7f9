import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import { Client as Worker } from "@durable-workflow/test-support/engine-client";
import { closedAddress } from "@durable-workflow/test-support/loopback";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedFile, work } from "./support/runtimes.js";

/** The client on every runtime against a real engine: the same answers. */
const run = promisify(execFile);
const bun = installedFile("@oven/bun-linux-x64/bin/bun");
const deno = installedFile("@deno/linux-x64-glibc/deno");
const workerd = installedFile("@cloudflare/workerd-linux-64/bin/workerd");
const RUN_LIMIT_MS = 60_000;

const EXPECTED = {
  result: ["Ada", 7, [true, null]],
  failure: "failed: LampBroken: it is dark",
  large: true,
  twice: "already_running",
  attached: false,
  waited: "wait_timeout",
  cancelled: [true, "cancelled", false],
  notThere: "not_found",
  many: [0, 1, 2],
  aborted: "Error: enough",
  unreachable: "unreachable",
};

let engine: LocalEngine;
let url: string;
let closed: string;
const over = new AbortController();
let working: Promise<void>;

beforeAll(async () => {
  const auth = { workerToken: "worker-token", operatorToken: "operator-token" };
  engine = createLocalEngine({ file: ":memory:", auth, longPollSeconds: 1, payloads: { thresholdBytes: 100_000 } });
  ({ url } = await engine.listen({ port: 0 }));
  closed = await closedAddress();
  working = serve(new Worker(url, { workerToken: "worker-token", operatorToken: "operator-token" }));
});
afterAll(async () => {
  over.abort();
  await working;
  await engine.close();
});

/** Gives arguments back, and fails what is to fail. */
async function serve(worker: Worker): Promise<void> {
  await worker.register("w", "runtimes", ["echo", "fail"]);
  while (!over.signal.aborted) {
    const held = await worker.take("w", "runtimes");
    if (held === undefined) continue;
    if (held.task.activity_type === "echo") await worker.report("complete", held, { result: held.task.arguments });
    else await worker.report("fail", held, { failure: { message: "it is dark", type: "LampBroken" } });
  }
}

it("the values of the cases have a form", () => {
  expect(encodeAvroValue(EXPECTED.result)).not.toBe("");
});

describe.each([
  ["Node", process.execPath, ["client.mjs"], undefined, {}],
  ["Bun", bun.path, ["client.mjs"], bun.missing, {}],
  [
    "Deno",
    deno.path,
    ["run", "--allow-net", "--allow-env", "--no-prompt", "--cached-only", "client.mjs"],
    deno.missing,
    { DENO_DIR: join(work, "deno-dir") },
  ],
] as const)("the client on %s", (name, program, args, missing, env) => {
  it.skipIf(missing !== undefined)(
    `gives the same answers as elsewhere${missing === undefined ? "" : `: ${missing}`}`,
    async () => {
      const options = { cwd: work, timeout: RUN_LIMIT_MS, env: { ...process.env, ...env } };
      const { stdout } = await run(program, [...args, url, closed], options);
      expect(JSON.parse(stdout), name).toEqual(EXPECTED);
    },
    RUN_LIMIT_MS,
  );
});

describe("the client on workerd", () => {
  let host: ChildProcess | undefined;
  afterAll(() => {
    host?.kill();
  });

  it.skipIf(workerd.missing !== undefined)(
    "gives the same answers as elsewhere, but for what fetch does not tell",
    async () => {
      const bundle = join(work, "client-workerd-bundle.mjs");
      await build({
        entryPoints: [join(work, "client-workerd.mjs")],
        outfile: bundle,
        bundle: true,
        format: "esm",
        platform: "neutral",
        conditions: ["workerd"],
        logLevel: "silent",
      });
      const env = { ...process.env, MINIFLARE_WORKERD_PATH: workerd.path };
      const child = spawn(process.execPath, ["workerd-host.mjs", bundle], { cwd: work, env });
      host = child;
      let output = "";
      const address = await new Promise<string>((resolve, reject) => {
        const read = (chunk: Buffer): void => {
          output += chunk.toString();
          const found = /listening on (\S+)/.exec(output)?.[1];
          if (found !== undefined) resolve(found);
        };
        child.stdout.on("data", read);
        child.stderr.on("data", read);
        child.once("exit", () => reject(new Error(output)));
      });
      const asked = `${address}?engine=${encodeURIComponent(url)}&closed=${encodeURIComponent(closed)}`;
      const answer: unknown = await (await fetch(asked)).json();
      // A connection that was refused is told as any other that failed.
      expect(answer).toEqual({ ...EXPECTED, unreachable: "start_unknown" });
    },
    RUN_LIMIT_MS,
  );
});
