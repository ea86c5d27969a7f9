import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
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
function testExample(name: string, { missing, start, cases = exampleCases, withoutToken }: ExampleTest): void {
  const withToken = { CARRIER_TOKEN: TOKEN };
  testPlatform({ name: `examples/${name}`, given: "", missing, start: () => start(withToken) }, cases);

  describe.skipIf(missing !== undefined)(`examples/${name}, without a token`, () => {
    it(withoutToken, async () => {
      const answered = answersWithoutToken(start);
      if (withoutToken === "does not run") await expect(answered).rejects.toThrow("bearerToken needs");
      else expect(await answered).toEqual([401, 401, 401]);
    });
  });
}

interface ExampleTest extends Pick<Platform, "missing"> {
  readonly start: (env: Readonly<Record<string, string>>) => Promise<RunningPlatform>;
  readonly cases?: typeof exampleCases;
  /** What becomes of it where its gate was given nothing. */
  readonly withoutToken: "does not run" | "lets nobody in";
}

/** The statuses of a task without credentials, with an empty token, and with one. */
async function answersWithoutToken(start: ExampleTest["start"]): Promise<readonly unknown[]> {
  const running = await start({});
  const connection = running.connect();
  try {
    const task = JSON.stringify(buildTaskInput({ activityType: "greetings.greet", args: ["Ada"] }));
    const statuses: unknown[] = [];
    for (const credentials of [{}, { authorization: "Bearer " }, { authorization: `Bearer ${TOKEN}` }]) {
      const headers = { "content-type": "application/json", ...credentials };
      const answer = await connection.send({ method: "POST", headers, body: new TextEncoder().encode(task) });
      statuses.push(answer?.status);
    }
    return statuses;
  } finally {
    connection.close();
    await running.stop();
  }
}

/** Runs the build script of an example, once. */
function builtOnce(example: Example): () => Promise<void> {
  let built: Promise<void> | undefined;
  return () => (built ??= example.runScript("build"));
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
    start: (env) => overApp(example.startCommand(env)),
    ...("cases" in more && { cases: more.cases }),
    withoutToken: "does not run",
  });
}

const lambda = new Example("lambda");
const buildLambda = builtOnce(lambda);
testExample("lambda", {
  missing: lambdaMissing,
  withoutToken: "does not run",
  async start(env) {
    await buildLambda();
    // As its template has it.
    expect(lambda.read("template.yaml")).toMatch(/CodeUri: dist\/\n\s+Handler: index\.handler/);
    const started = await startLambdaFunction(join(lambda.folder, "dist"), "index.handler", env);
    const toEvent = LAMBDA_EVENTS["Function URL"];
    if (toEvent === undefined) throw new Error("There are no events of Function URLs.");
    return overEvents(started, toEvent, () => started.stop());
  },
});

const worker = new Example("cloudflare");
const workerd = installedFile("@cloudflare/workerd-linux-64/bin/workerd");
testExample("cloudflare", {
  missing: workerd.missing,
  withoutToken: "does not run",
  async start(bindings) {
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
      bindings,
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
const buildNext = builtOnce(next);
const nextBin = installedFile("next/dist/bin/next");
testExample("nextjs", {
  missing: missingProgram("node") ?? nextBin.missing,
  withoutToken: "lets nobody in",
  async start(given) {
    await buildNext();
    const { program, env } = new Example("node").startCommand(given);
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

const node22 = installedFile("node-22/bin/node");
const vercel = new Example("vercel");
const vercelServer = installedFile("@vercel/node/dist/dev-server.mjs");
testExample("vercel", {
  missing: node22.missing ?? vercelServer.missing,
  withoutToken: "lets nobody in",
  async start(given) {
    await vercel.runScript("typecheck");
    const { functions } = JSON.parse(vercel.read("vercel.json")) as {
      readonly functions: Readonly<Record<string, object>>;
    };
    const [entry = ""] = Object.keys(functions);
    const { env } = new Example("node").startCommand(given);
    // As `vercel dev` starts a function that is TypeScript.
    const tsx = pathToFileURL(createRequire(vercelServer.path).resolve("tsx")).href;
    return overApp({
      program: node22.path,
      args: ["--import", tsx, join(work, "vercel-host.mjs"), entry, vercelServer.path],
      cwd: vercel.folder,
      env: env ?? {},
    });
  },
});

const netlify = new Example("netlify");
testExample("netlify", {
  missing: node22.missing ?? installedFile("@netlify/serverless-functions-api/package.json").missing,
  withoutToken: "lets nobody in",
  async start(given) {
    await netlify.runScript("typecheck");
    const [, directory = ""] = /^directory = "(.*)"$/m.exec(netlify.read("netlify.toml")) ?? [];
    const bundle = join(netlify.folder, "bundle.mjs");
    const entryPoints = [join(netlify.folder, directory, "tasks.mts")];
    // As `node_bundler` has it.
    expect(netlify.read("netlify.toml")).toContain('node_bundler = "esbuild"');
    await build({ entryPoints, outfile: bundle, bundle: true, format: "esm", platform: "node", logLevel: "silent" });
    const { env } = new Example("node").startCommand(given);
    return overApp({
      program: node22.path,
      args: ["netlify-host.mjs", pathToFileURL(bundle).href],
      cwd: work,
      env: env ?? {},
    });
  },
});

const azure = new Example("azure");
const buildAzure = builtOnce(azure);
testExample("azure", {
  missing: missingProgram("node") ?? installedFile("@azure/functions/package.json").missing,
  withoutToken: "does not run",
  async start(given) {
    await buildAzure();
    const { program, env } = new Example("node").startCommand(given);
    return startAzureProcess({ program, args: ["azure-example.cjs", azure.main], cwd: work, env: env ?? {} });
  },
});

const google = new Example("google");
const buildGoogle = builtOnce(google);
testExample("google", {
  missing: missingProgram("node") ?? installedFile("@google-cloud/functions-framework/package.json").missing,
  withoutToken: "does not run",
  async start(given) {
    await buildGoogle();
    const { program, env } = new Example("node").startCommand(given);
    return overApp({ program, args: ["google-example.mjs", google.main, "tasks"], cwd: work, env: env ?? {} });
  },
});
