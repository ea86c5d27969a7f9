import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client as Engine } from "@durable-workflow/test-support/engine-client";
import { expect, it, onTestFinished } from "vitest";
import { root } from "./support/cli.js";

/** The tools for agents, called by the protocol's own client. */

/** What is used of the library. Its own types bring those of browsers along, for every file of a program. */
interface Client {
  connect(transport: object): Promise<void>;
  close(): Promise<void>;
  listTools(): Promise<{
    readonly tools: readonly { readonly name: string; readonly annotations?: { readonly readOnlyHint?: boolean } }[];
  }>;
  callTool(call: object): Promise<{ readonly content: unknown; readonly isError?: boolean }>;
}

const load = (part: string): Promise<unknown> =>
  import(`@modelcontextprotocol/sdk/client/${part}.js`) as Promise<unknown>;
const { Client: McpClient } = (await load("index")) as { readonly Client: new (info: object) => Client };
const { StdioClientTransport } = (await load("stdio")) as {
  readonly StdioClientTransport: new (server: object) => object;
};

const TOKEN = "operator-token-9a8b7c";

interface Connected {
  readonly client: Client;
  readonly engine: Engine;
  readonly call: (
    name: string,
    given?: Record<string, unknown>,
  ) => Promise<{ readonly isError: boolean; readonly text: string }>;
}

async function connect(args: readonly string[] = []): Promise<Connected> {
  const local = createLocalEngine({ file: ":memory:", auth: { token: TOKEN } });
  onTestFinished(() => local.close());
  const { url } = await local.listen();
  const client = new McpClient({ name: "test", version: "1" });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [`${root}packages/cli/dist/bin.js`, "mcp", "--server", url, "--token-env", "OPERATOR", ...args],
    env: { PATH: process.env["PATH"] ?? "", OPERATOR: TOKEN, DW_CONFIG_HOME: "/nowhere" },
    stderr: "pipe",
  });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return {
    client,
    engine: new Engine(url, { operatorToken: TOKEN, workerToken: TOKEN }),
    async call(name, given = {}) {
      const { content, isError } = await client.callTool({ name, arguments: given });
      const [first] = content as { readonly text: string }[];
      return { isError: isError === true, text: first?.text ?? "" };
    },
  };
}

it("lists, shows, starts, retries, cancels, explains and examines", async () => {
  const { client, engine, call } = await connect();
  const document = async (name: string, given?: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const { isError, text } = await call(name, given);
    expect(isError, text).toBe(false);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    "overview",
    "list",
    "show",
    "start",
    "retry",
    "cancel",
    "explain",
    "doctor",
  ]);
  const dry = await document("start", { type: "glow", queue: "lamps", id: "x", input: '["Ada", 7.0]', dryRun: true });
  expect(dry).toMatchObject({ done: false, error: null });
  expect(await document("list")).toMatchObject({ rows: [] });
  expect(await document("start", { type: "glow", queue: "lamps", id: "x", input: '["Ada", 7.0]' })).toMatchObject({
    done: true,
  });
  expect(await document("list", { status: "queued", limit: 5 })).toMatchObject({ rows: [{ id: "x", type: "glow" }] });
  const shown = await document("show", { id: "x" });
  expect(shown).toMatchObject({ row: { status: "queued" }, waiting: { reason: "no_worker" } });
  expect(JSON.parse((shown["input"] as { json: string }).json)).toEqual(["Ada", { $type: "double", value: "7.0" }]);
  expect(await document("retry", { id: "x", newId: "y" })).toMatchObject({ done: true, started: { id: "y" } });
  expect(await document("cancel", { id: "x", reason: "it's over" })).toMatchObject({ done: true });
  expect((await engine.describe("x")).status).toBe("cancelled");
  expect(await document("overview")).toMatchObject({ counts: { byStatus: { queued: 1, cancelled: 1 } } });
  const { explanation } = await document("explain", { document: encodeAvroValue({ lamp: 7 }) });
  expect(explanation).toContain("lamp");
  expect(await document("explain", { document: '{"a":1}' })).toMatchObject({
    explanation: expect.stringContaining("no document"),
  });
  expect(await document("doctor")).toMatchObject({ reachable: true });
});

it("says what is wrong as an error of the tool, and goes on; the token is in nothing that it says", async () => {
  const { call } = await connect();
  let all = "";
  for (const [name, given, expected] of [
    ["show", { id: "none" }, "not found"],
    ["show", {}, "id must be given"],
    ["list", { status: "odd" }, "status must be of"],
    ["list", { status: ["failed"] }, "status must be text"],
    ["list", { colour: "red" }, "colour is no parameter"],
    ["start", { type: "glow", queue: "lamps", input: "{" }, "JSON"],
    ["start", { type: "glow", queue: "lamps", options: { maxAttempts: 0 } }, "options.maxAttempts"],
    ["cancel", { id: 7 }, "id must be text"],
    ["odd", {}, "odd"],
  ] as const) {
    const { isError, text } = await call(name, given);
    expect([isError, text], name).toEqual([true, expect.stringContaining(expected)]);
    all += text;
  }
  const { text } = await call("doctor");
  expect(all + text).not.toContain(TOKEN);
});

it("that may only look have no tool that changes anything", async () => {
  const { client, call } = await connect(["--read-only"]);
  const { tools } = await client.listTools();
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
  expect(tools.map(({ name }) => name)).toEqual(["overview", "list", "show", "explain", "doctor"]);
  expect(await call("cancel", { id: "x" })).toMatchObject({ isError: true, text: "there is no tool cancel" });
});
