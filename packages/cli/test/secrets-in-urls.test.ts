import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { closedAddress } from "@durable-workflow/test-support/loopback";
import { expect, it, onTestFinished } from "vitest";
import { serve } from "./support/carriers.js";
import { folderOf } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

const KEY = "k3y-of-the-function";

function config(...carriers: readonly object[]): string {
  return JSON.stringify({
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: Object.fromEntries(carriers.map((carrier, index) => [`c${index}`, carrier])),
    mappings: carriers.map((_, index) => ({
      name: `m${index}`,
      kind: "activity",
      task_queue: "q",
      activity_type: `t${index}`,
      carrier: `c${index}`,
      handler: "h",
    })),
  });
}

it("no command shows the key in a carrier's URL, or in the command of a process", async () => {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url: server } = await engine.listen();
  const answering = await serve((_, response) => response.writeHead(500).end("{}"));
  const inviting = await serve((_, response) =>
    response.writeHead(400).end(JSON.stringify({ error: "invalid_invocable_request" })),
  );
  const closed = await closedAddress();
  const urls = [answering, inviting, closed].map((url) => `${url}?code=${KEY}#${KEY}`);
  const cwd = folderOf({
    "executor.json": config(...urls.map((url) => ({ type: "invocable_http", url })), {
      type: "process",
      command: ["node", "-e", KEY],
    }),
    "password.json": config({ type: "invocable_http", url: `https://user:${KEY}@carrier.example.com/` }),
    "poll.json": JSON.stringify({
      task: {
        task_id: "t",
        external_executor: { carrier: "c", target: { url: urls[0] }, command: ["node", KEY] },
      },
    }),
    "exchange.json": JSON.stringify({
      request: {
        method: "POST",
        path: `/api/tasks?code=${KEY}`,
        headers: { authorization: `Bearer ${KEY}` },
        body: {},
      },
      response: { status: 200, body: {} },
    }),
    "reference.json": JSON.stringify({
      schema: "durable-workflow.v2.external-payload-reference.v1",
      uri: `https://bucket.example.com/key?signature=${KEY}`,
      codec: "avro",
      sha256: "0".repeat(64),
      size_bytes: 12,
    }),
  });
  const lines = [
    "inspect executor.json",
    "inspect password.json",
    "inspect poll.json",
    "inspect exchange.json",
    "inspect reference.json",
    "check --config executor.json --online",
    "check --config password.json",
    `doctor --server ${server} --config executor.json`,
    `doctor --server ${server} --config password.json`,
    "dispatch --config password.json",
    `list --server http://user:${KEY}@127.0.0.1:1`,
    `list --server http://127.0.0.1:1/?code=${KEY}`,
    `doctor --server http://user:${KEY}@127.0.0.1:1`,
    ...urls.flatMap((url) => [`invoke ${url} greet`, `conformance ${url} --only identity/echoed --junit report.xml`]),
    `invoke http://user:${KEY}@127.0.0.1:1/ greet`,
  ];
  for (const line of lines) {
    for (const form of [[], ["--json"]]) {
      const { stdout, stderr } = await runHere([...line.split(" "), ...form], { cwd });
      expect((stdout + stderr).length, line).toBeGreaterThan(10);
      expect(stdout + stderr, line).not.toContain(KEY);
      expect(stdout + stderr, line).not.toMatch(/"internal"|\n {4}at /);
    }
  }
  expect(readFileSync(join(cwd, "report.xml"), "utf8")).not.toContain(KEY);
  const { stdout } = await runHere(["inspect", "executor.json"], { cwd });
  expect(stdout).toContain("?code=redacted");
  expect(stdout).toContain("node (2 arguments)");
});
