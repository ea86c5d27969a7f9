import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { TOKEN } from "./cases.js";
import { exampleCases, longCase } from "./example-cases.js";
import { type AppCommand, startApp } from "./support/app.js";
import { startAzureProcess } from "./support/azure-process.js";
import { Example, missingProgram } from "./support/example.js";
import { overHttp } from "./support/http-connection.js";
import { LAMBDA_EVENTS } from "./support/lambda-events.js";
import { lambdaMissing, overEvents, startLambdaFunction } from "./support/lambda-function.js";
import type { Platform, RunningPlatform } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

/** The folders of examples/, copied, built by their own scripts, started by their own commands, and called. */
function testExample(name: string, { missing, start, cases = exampleCases }: ExampleTest): void {
  testPlatform({ name: `examples/${name}`, given: "", missing, start }, cases);
}

interface ExampleTest extends Pick<Platform, "missing" | "start"> {
  readonly cases?: typeof exampleCases;
}

async function overApp(command: AppCommand, path = ""): Promise<RunningPlatform> {
  const app = await startApp(command);
  return overHttp(new URL(path, app.url).href, app.readUrl, () => app.stop());
}

const STARTED = [
  { name: "node", program: "node" },
  { name: "hono", program: "node", needs: "@hono/node-server/package.json" },
  { name: "fastify", program: "node", needs: "fastify/package.json" },
  { name: "bun", program: "bun", cases: [...exampleCases, longCase] },
  { name: "deno", program: "deno", manifest: "deno.json" },
] as const;

for (const { name, program, ...more } of STARTED) {
  const example = new Example(name, "manifest" in more ? more.manifest : undefined);
  const missing = missingProgram(program) ?? ("needs" in more ? installedFile(more.needs).missing : undefined);
  testExample(name, {
    missing,
    start: () => overApp(example.startCommand()),
    ...("cases" in more && { cases: more.cases }),
  });

  describe.skipIf(missing !== undefined)(`examples/${name}, without a token`, () => {
    it("does not start", async () => {
      await expect(startApp(example.startCommand({}))).rejects.toThrow("bearerToken needs");
    });
  });
}

const lambda = new Example("lambda");
testExample("lambda", {
  missing: lambdaMissing,
  async start() {
    await lambda.runScript("build");
    // As its template has it.
    expect(lambda.read("template.yaml")).toMatch(/CodeUri: dist\/\n\s+Handler: index\.handler/);
    const started = await startLambdaFunction(join(lambda.folder, "dist"), "index.handler", { CARRIER_TOKEN: TOKEN });
    const toEvent = LAMBDA_EVENTS["Function URL"];
    if (toEvent === undefined) throw new Error("There are no events of Function URLs.");
    return overEvents(started, toEvent, () => started.stop());
  },
});

const worker = new Example("cloudflare");
const workerd = installedFile("@cloudflare/workerd-linux-64/bin/workerd");
testExample("cloudflare", {
  missing: workerd.missing,
  async start() {
    const config = worker.read("wrangler.toml");
    const setting = (key: string): string => new RegExp(`^${key} = (.*)$`, "m").exec(config)?.[1] ?? "null";
    const bundle = join(worker.folder, "bundle.mjs");
    await build({
      entryPoints: [join(worker.folder, JSON.parse(setting("main")) as string)],
      outfile: bundle,
      bundle: true,
      format: "esm",
      platform: "neutral",
      external: ["cloudflare:*"],
      logLevel: "silent",
    });
    const options = {
      compatibilityDate: JSON.parse(setting("compatibility_date")) as unknown,
      bindings: { CARRIER_TOKEN: TOKEN },
    };
    return overApp({
      program: process.execPath,
      args: ["workerd-host.mjs", bundle, JSON.stringify(options)],
      cwd: work,
      env: { MINIFLARE_WORKERD_PATH: workerd.path },
    });
  },
});

const next = new Example("nextjs");
const nextBin = installedFile("next/dist/bin/next");
testExample("nextjs", {
  missing: missingProgram("node") ?? nextBin.missing,
  async start() {
    await next.runScript("build");
    const { program, env } = new Example("node").startCommand();
    return overApp(
      {
        program,
        args: [nextBin.path, "start", "--hostname", "127.0.0.1", "--port", "0"],
        cwd: next.folder,
        env: env ?? {},
        listening: /http:\/\/127\.0\.0\.1:\d+/,
      },
      "/tasks",
    );
  },
});

const azure = new Example("azure");
testExample("azure", {
  missing: missingProgram("node") ?? installedFile("@azure/functions/package.json").missing,
  async start() {
    await azure.runScript("build");
    const { program, env } = new Example("node").startCommand();
    return startAzureProcess({ program, args: ["azure-example.cjs", azure.main], cwd: work, env: env ?? {} });
  },
});

const google = new Example("google");
testExample("google", {
  missing: missingProgram("node") ?? installedFile("@google-cloud/functions-framework/package.json").missing,
  async start() {
    await google.runScript("build");
    const { program, env } = new Example("node").startCommand();
    return overApp({ program, args: ["google-example.mjs", google.main, "tasks"], cwd: work, env: env ?? {} });
  },
});
