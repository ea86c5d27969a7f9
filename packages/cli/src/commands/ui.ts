import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { CONNECTION_OPTIONS, connectionOf, type EngineConnection } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { cannotListen } from "../host/carrier/carrier-server.js";
import { HttpClient } from "../net/http-client.js";
import { namedToken } from "../options/tokens.js";
import { atMost, flag, integerOption, PORTS, textOption } from "../options/values.js";
import { openPage } from "../page/open-page.js";
import { pageOf } from "../page/page.js";
import { type PageServer, servePage } from "../page/page-server.js";
import { say, sayJson } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { stopped, unlessStopped } from "../shell/stopped.js";

const PORT = 7071;

export const ui: Command = {
  name: "ui",
  summary: "Shows an engine in the browser: activities, attempts, queues and workers, live",
  usage: "[OPTIONS]",
  options: {
    port: {
      type: "string",
      value: "NUMBER",
      help: `port of the page, 0 for a free one; default ${PORT}, or a free one`,
    },
    host: { type: "string", value: "ADDRESS", help: "address to listen on; default 127.0.0.1; others need a password" },
    "password-env": {
      type: "string",
      value: "VARIABLE",
      help: "environment variable that holds the password that browsers are asked for, with any user name",
    },
    open: { type: "boolean", help: "open the page in the browser" },
    "read-only": { type: "boolean", help: "let the page look, and do nothing" },
    ...CONNECTION_OPTIONS,
  },
  description: `The engine's token, an operator's, stays in this command: the page never has it. The page answers requests of this
machine alone, and those of no other page. Where it listens for others a password is needed, and a proxy that speaks TLS.
A local engine (dw-carrier dev, dw-carrier engine) serves its own page at its own address.`,
  examples: [
    { line: "dw-carrier ui --open", what: "shows the engine that runs here, or that of the environment" },
    {
      line: "dw-carrier ui --server https://engine.example.com --token-env OPERATOR_TOKEN --read-only",
      what: "shows an engine elsewhere",
    },
  ],
  run: runUi,
};

async function runUi(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  atMost(input, 0, "The engine is named with --server URL.");
  const host = textOption(input, "host") ?? "127.0.0.1";
  const password = namedToken(textOption(input, "password-env"), io, "--password-env");
  if (password === undefined && !isLoopbackHost(host)) {
    const what = `${host} can be reached from other machines, and the page would let everybody in`;
    throw new CliError(
      EXIT.usage,
      what,
      "Name the variable of a password with --password-env, or listen on 127.0.0.1.",
    );
  }
  const connection = await unlessStopped(io.signal, () => connectionOf(input, io));
  // So that a wrong address or token is told here, and not in the page alone.
  await unlessStopped(io.signal, () => new ControlPlane(connection, new HttpClient(io)).clusterInfo());
  const page = await pageOf(connection, io, {
    servedBy: "ui",
    isReadOnly: flag(input, "read-only"),
    commandOptions: connectionWords(connection, textOption(input, "token-env")),
    ...(password === undefined ? {} : { password }),
  });
  const server = await listen(() => servePage(page, host, integerOption(input, "port", PORTS) ?? PORT), input, {
    host,
    again: () => servePage(page, host, 0),
  });
  try {
    const { url } = server;
    if (input.json)
      sayJson(io, { event: "listening", at: new Date().toISOString(), pageUrl: url, engineUrl: connection.url });
    else {
      say(io, `page     ${io.paint.bold(url)}`);
      say(io, `engine   ${connection.url}  ${io.paint.dim(`namespace ${connection.namespace}`)}`);
    }
    if (flag(input, "open")) openPage(url, io);
    await stopped(io.signal);
  } finally {
    await server.close();
  }
  return EXIT.ok;
}

async function listen(
  first: () => Promise<PageServer>,
  input: CommandInput,
  { host, again }: { readonly host: string; readonly again: () => Promise<PageServer> },
): Promise<PageServer> {
  const port = integerOption(input, "port", PORTS);
  try {
    return await first();
  } catch (error) {
    if (port === undefined && (error as NodeJS.ErrnoException).code === "EADDRINUSE") return again();
    throw cannotListen(error, host, port ?? PORT, "port");
  }
}

/** How a command line names the engine of a connection: without the token. */
function connectionWords({ url, namespace, source }: EngineConnection, tokenVariable: string | undefined): string {
  if (source === "dev") return "";
  const space = namespace === "default" ? "" : ` --namespace ${namespace}`;
  return `--server ${url}${space}${tokenVariable === undefined ? "" : ` --token-env ${tokenVariable}`}`;
}
