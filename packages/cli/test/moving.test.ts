import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLocalEngine, type LocalEngine } from "@durable-workflow/local-engine";
import type { Loopback } from "@durable-workflow/test-support/loopback";
import { markdownTable } from "@durable-workflow/test-support/markdown";
import { listenLikeTheServer } from "@durable-workflow/test-support/server-like";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { begin, folderOf, Running, root, run } from "./support/cli.js";

/** docs/operate/moving-to-the-server.md, walked from a local engine to one that has nothing but what released servers have. */
const page = readFileSync(join(root, "docs/operate/moving-to-the-server.md"), "utf8");
const [, program = ""] = /^```ts\n([^]*?)^```$/m.exec(page) ?? [];
/** The commands of the page, in its order. */
const lines = [...page.matchAll(/^ {3}(dw-carrier .+)$/gm)].map(([, line = ""]) => line);

const TOKENS = { workerToken: "worker-token", operatorToken: "operator-token" };
const TOKEN_VARIABLES = { WORKER_TOKEN: TOKENS.workerToken, OPERATOR_TOKEN: TOKENS.operatorToken };

let engine: LocalEngine;
let engineUrl: string;
let server: Loopback;

beforeEach(async () => {
  engine = createLocalEngine({ file: ":memory:", auth: TOKENS, longPollSeconds: 2 });
  ({ url: engineUrl } = await engine.listen());
  server = await listenLikeTheServer(engineUrl);
});
afterEach(async () => {
  await server.close();
  await engine.close();
});

describe("its program", () => {
  it("runs alike on a local engine and on one like the server", async () => {
    const local = createLocalEngine({ file: ":memory:", longPollSeconds: 2 });
    const { url } = await local.listen();
    const cwd = folderOf({ "main.mts": program });
    symlinkSync(join(root, "node_modules"), join(cwd, "node_modules"));
    const program20 = ["--import", "tsx", "main.mts"];
    for (const env of [
      { DURABLE_WORKFLOW_SERVER_URL: url },
      { DURABLE_WORKFLOW_SERVER_URL: server.url, ...TOKEN_VARIABLES },
    ]) {
      const { code, stdout, stderr } = await new Running(process.execPath, program20, { cwd, env }).ended;
      expect([code, stdout, stderr]).toEqual([0, "Hello, Ada\n", ""]);
    }
    await local.close();
  });
});

describe("the move", () => {
  it("goes as its commands go", async () => {
    const cwd = folderOf({ "greet.mjs": "export const greet = (name) => `Hello, ${name}`;\n" });
    const config = {
      schema: "durable-workflow.external-executor.config",
      version: 1,
      carriers: { own: { type: "invocable_http", url: "http://127.0.0.1:9/" } },
      mappings: [
        {
          name: "greet",
          kind: "activity",
          activity_type: "greet",
          task_queue: "greetings",
          carrier: "own",
          handler: "greet",
        },
      ],
    };
    writeFileSync(join(cwd, "executor.json"), JSON.stringify(config));
    const dev = begin(["dev", "greet.mjs", "--queue", "greetings", "--engine-port", "0", "--json"], { cwd });
    await dev.until(/"listening"/);
    const there = ["--server", server.url, "--token-env", "WORKER_TOKEN", "--engine-port", "0"];
    const worker = begin(
      ["dev", "greet.mjs", "--queue", "greetings", "--data", "there", ...there.slice(0, 4), "--json"],
      {
        cwd,
        env: TOKEN_VARIABLES,
      },
    );
    await worker.until(/"listening"/);

    const said = new Map<string, string>();
    for (const line of lines) {
      const words = line.replace('"$SERVER"', server.url).replaceAll("'", "").split(" ").slice(1);
      const { code, stdout, stderr } = await run(words, { cwd, env: TOKEN_VARIABLES });
      // The carrier of this config does not run, which doctor tells.
      expect([line, words[0] === "doctor" ? 0 : code, stderr]).toEqual([line, 0, ""]);
      said.set(words[0] ?? "", stdout);
    }
    expect([...said.keys()]).toEqual(["doctor", "check", "start", "drain", "list", "backup"]);
    expect(said.get("doctor")).toMatch(/protocol/);
    expect(said.get("start")).toContain("Hello, Ada");
    expect(said.get("list")).not.toMatch(/greet/);
    const refused = await run(["start", "greet", '["Ada"]', "--queue", "greetings", "--json"], { cwd });
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringMatching(/drain/)]);
    const reopened = await run(["resume", "greetings"], { cwd });
    expect(reopened.code).toBe(0);
  });

  it("closes queues of the local engine alone", async () => {
    const env = TOKEN_VARIABLES;
    const { code, stderr } = await run(
      ["drain", "greetings", "--server", server.url, "--token-env", "OPERATOR_TOKEN"],
      { env },
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/cannot be drained|only a local engine|local engine/i);
  });
});

describe("what the server does not have", () => {
  const routes = markdownTable(page, "the local engine's own").flatMap(([own = ""]) =>
    [...own.matchAll(/`(GET|POST) (\/api\/[^`]+)`/g)].map(([, method = "", path = ""]) => ({ method, path })),
  );

  it("is named with its routes", () => {
    expect(routes.length).toBeGreaterThan(4);
  });

  it.each(routes.filter(({ path }) => !path.includes("?") && !/\/(?:activities|workers)/.test(path)))(
    "$method $path is there on a local engine, and on none like the server",
    async ({ method, path }) => {
      const asked = path.replace("{queue}", "greetings");
      const headers = {
        Authorization: `Bearer ${TOKENS.operatorToken}`,
        "X-Durable-Workflow-Control-Plane-Version": "2",
        Accept: "text/event-stream, application/json",
      };
      const over = new AbortController();
      const options = { method, headers, signal: over.signal };
      expect((await fetch(engineUrl + asked, options)).status).toBe(200);
      expect((await fetch(server.url + asked, options)).status).toBe(404);
      over.abort();
    },
  );
});
