import { resolve } from "node:path";
import { DEFAULT_TASK_QUEUE } from "../engine/connection.js";
import { DEFAULT_DATA_FOLDER } from "../engine/dev-state.js";
import { growHeap } from "../host/process/heap.js";
import { ENGINE_TOKEN_OPTIONS, engineTokens } from "../options/engine-tokens.js";
import { atMost, flag, integerOption, PORTS, textOption } from "../options/values.js";
import { openPage } from "../page/open-page.js";
import { shownFile } from "../report/shown-file.js";
import { say, sayJson } from "../report/words.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { stopped, unlessStopped } from "../shell/stopped.js";

const HOST = "127.0.0.1";

export const engine: Command = {
  name: "engine",
  summary: "Runs an engine alone on this machine, for workers, carriers and clients of your own",
  usage: "[OPTIONS]",
  options: {
    port: { type: "string", value: "NUMBER", help: "port to listen on, 0 for a free one; default 7070, or a free one" },
    host: {
      type: "string",
      value: "ADDRESS",
      help: `address to listen on; default ${HOST}. One that others can reach needs tokens`,
    },
    ...ENGINE_TOKEN_OPTIONS,
    data: { type: "string", value: "DIR", help: `folder of what it keeps; default ${DEFAULT_DATA_FOLDER}` },
    open: { type: "boolean", help: "open the page that shows the engine in the browser" },
    memory: { type: "boolean", help: "keep nothing: the engine forgets everything when it ends" },
    queue: {
      type: "string",
      value: "NAME",
      help: `task queue of dw-carrier start where none is named; default ${DEFAULT_TASK_QUEUE}`,
    },
    lease: {
      type: "string",
      value: "SECONDS",
      help: "how long a worker may be silent before its task is given to another; default 15",
    },
  },
  description: `Without options it listens on loopback, without tokens. While it runs, the other commands find it without being told, and
dw-carrier dev FILE... in the same folder uses it in place of one of its own. An engine with tokens is not found so, and has no
page: name it with --server, and its token with --token-env; the command ui shows it.`,
  examples: [
    { line: "dw-carrier engine", what: "an engine on http://127.0.0.1:7070, whose data stays in .dw" },
    {
      line: "dw-carrier engine --host 0.0.0.0 --worker-token-env WORKER_TOKEN --operator-token-env OPERATOR_TOKEN",
      what: "an engine for other machines",
    },
  ],
  run: runEngine,
};

async function runEngine(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  growHeap();
  atMost(input, 0, "The activities of a file run with dw-carrier dev FILE.");
  const dataFolder = resolve(io.cwd, textOption(input, "data") ?? DEFAULT_DATA_FOLDER);
  const taskQueue = textOption(input, "queue") ?? DEFAULT_TASK_QUEUE;
  const address = textOption(input, "host") ?? HOST;
  const auth = engineTokens(input, address, io);
  // Late: the other commands need not wait for an engine to be loaded.
  const { EngineHost, refuseSecond, runningWith } = await import("../host/engine/engine-host.js");
  const other = await unlessStopped(io.signal, () => runningWith(dataFolder, io));
  if (other !== undefined) refuseSecond(other, dataFolder);
  const host = new EngineHost(
    {
      command: "engine",
      dataFolder,
      inMemory: flag(input, "memory"),
      host: address,
      auth,
      port: integerOption(input, "port", PORTS),
      portOption: "port",
      leaseSeconds: integerOption(input, "lease", { least: 1, most: 86_400 }),
    },
    io,
  );
  const event = (name: string, facts: object): void => {
    if (input.json) sayJson(io, { event: name, at: new Date().toISOString(), ...facts });
  };
  try {
    const { url, file } = await host.start();
    // Others would find it, and be refused.
    if (auth === undefined) await host.announce({ url, taskQueue });
    const pageUrl = auth === undefined ? `${url}/` : null;
    event("listening", { engineUrl: url, engineFile: file, taskQueue, pageUrl });
    if (!input.json) {
      const kept = file === null ? "in memory" : shownFile(file, io.cwd);
      say(io, `engine   ${io.paint.bold(url)}  ${io.paint.dim(kept)}`);
      say(io, pageUrl === null ? "tokens   of workers and operators\n" : `page     ${io.paint.bold(pageUrl)}\n`);
      say(io, `Point workers, carriers and clients at it: DURABLE_WORKFLOW_SERVER_URL=${url}`);
    }
    if (flag(input, "open") && pageUrl !== null) openPage(pageUrl, io);
    await stopped(io.signal);
  } finally {
    await host.close();
  }
  event("stopped", {});
  return EXIT.ok;
}
