import { createRequire } from "node:module";
import { Readable, Writable } from "node:stream";
import { diagnose } from "../doctor/diagnose.js";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { serveMcp } from "../mcp/server.js";
import { TOOLS } from "../mcp/tools.js";
import { atMost, flag } from "../options/values.js";
import { explain } from "../page/page.js";
import { viewsOf } from "../page/views.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { unlessStopped } from "../shell/stopped.js";
import { printable } from "../shell/terminal-text.js";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
const TIMEOUT_MS = 10_000;

export const mcp: Command = {
  name: "mcp",
  summary: "Serves the views and actions of an engine to agents, as MCP tools over standard input and output",
  usage: "[OPTIONS]",
  options: {
    "read-only": { type: "boolean", help: "only the tools that change nothing" },
    ...CONNECTION_OPTIONS,
  },
  description: `Tools: ${TOOLS.map(({ name }) => name).join(", ")}. Each answers with the document that the page's API has. The engine's token stays in
this command. It needs @modelcontextprotocol/sdk, which is installed beside it: npm install @modelcontextprotocol/sdk.
With --json nothing changes: the protocol is JSON.`,
  examples: [
    { line: "dw-carrier mcp --read-only", what: "lets an agent look at the engine that runs here" },
    {
      line: "dw-carrier mcp --server https://engine.example.com --token-env OPERATOR_TOKEN",
      what: "lets an agent look at an engine elsewhere, and start, retry and cancel activities",
    },
  ],
  run: runMcp,
};

async function runMcp(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  atMost(input, 0, "The engine is named with --server URL.");
  const connection = await unlessStopped(io.signal, () => connectionOf(input, io));
  const views = await unlessStopped(io.signal, () => viewsOf(connection, io));
  const authorizers = {};
  const doctor = async (): Promise<object> => {
    const options = { connection, configPath: undefined, overlay: undefined, authorizers, timeoutMs: TIMEOUT_MS, io };
    const { findings, reachable } = await diagnose(options);
    return { reachable, findings };
  };
  await serveMcp({
    means: { views, explain, doctor },
    isReadOnly: flag(input, "read-only"),
    version,
    input: Readable.from(io.stdin, { objectMode: false }),
    signal: io.signal,
    output: new Writable({
      decodeStrings: false,
      write(chunk: string | Uint8Array, _, done) {
        io.out(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"));
        done();
      },
    }),
    shown: (error) => printable(io.secrets.scrub(error instanceof Error ? error.message : "it failed")),
  });
  return EXIT.ok;
}
