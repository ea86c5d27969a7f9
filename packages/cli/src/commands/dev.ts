import { resolve } from "node:path";
import { CONNECTION_OPTIONS, connectionOf, DEFAULT_TASK_QUEUE } from "../engine/connection.js";
import { DEFAULT_DATA_FOLDER } from "../engine/dev-state.js";
import { shownPath } from "../host/activities/activity-source.js";
import { CarrierOutput } from "../host/carrier/carrier-output.js";
import type { RunningStack } from "../host/dev-stack.js";
import { flag, integerOption, PORTS, textOption } from "../options/values.js";
import { say } from "../report/words.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { stopped } from "../shell/stopped.js";
import { filesOf } from "./serve.js";

const INSPECT_PORT = 9229;

export const dev: Command = {
  name: "dev",
  summary: "Runs an engine, a dispatcher and the activities of modules on this machine",
  usage: "FILE... [OPTIONS]",
  options: {
    watch: { type: "boolean", help: "load the files again when they, or what they import, change" },
    queue: { type: "string", value: "NAME", help: `task queue of the activities; default ${DEFAULT_TASK_QUEUE}` },
    memory: { type: "boolean", help: "keep nothing: the engine forgets everything when it ends" },
    "engine-port": { type: "string", value: "NUMBER", help: "port of the engine; default 7070, or a free one" },
    port: { type: "string", value: "NUMBER", help: "port of the carrier; default a free one" },
    inspect: {
      type: "string",
      value: "[=PORT]",
      alone: String(INSPECT_PORT),
      help: `let a debugger attach to the activities; default port ${INSPECT_PORT}`,
    },
    ...CONNECTION_OPTIONS,
    data: { type: "string", value: "DIR", help: `folder of what the engine keeps; default ${DEFAULT_DATA_FOLDER}` },
    server: { type: "string", value: "URL", help: "lease tasks from this engine, in place of one of our own" },
  },
  description: `Everything listens on this machine only. FILE is as for dw-carrier serve; TypeScript needs no build.
While it runs, dw-carrier start, list, show, cancel and terminate find its engine without being told.
The engine keeps activities over restarts, and large payloads in a folder beside them. With --server the activities are those of a real engine; its token must then
be a worker's.`,
  examples: [
    { line: "dw-carrier dev activities.ts --watch", what: "runs them here, and follows your edits" },
    {
      line: "dw-carrier dev activities.ts --server https://engine.example.com --token-env WORKER_TOKEN",
      what: "runs them for an engine elsewhere",
    },
  ],
  run: runDev,
};

async function runDev(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  const output = new CarrierOutput(io, input.json);
  const isRemote = textOption(input, "server") !== undefined;
  const taskQueue = textOption(input, "queue") ?? DEFAULT_TASK_QUEUE;
  // Late: the other commands need not wait for an engine to be loaded.
  const { DevStack } = await import("../host/dev-stack.js");
  const stack = new DevStack(
    {
      files: filesOf(input),
      watch: flag(input, "watch"),
      taskQueue,
      dataFolder: resolve(io.cwd, textOption(input, "data") ?? DEFAULT_DATA_FOLDER),
      inMemory: flag(input, "memory"),
      enginePort: integerOption(input, "engine-port", PORTS),
      carrierPort: integerOption(input, "port", PORTS) ?? 0,
      inspectPort: integerOption(input, "inspect", PORTS),
      remote: isRemote ? await connectionOf(input, io) : undefined,
    },
    io,
    output,
  );
  try {
    const running = await stack.start();
    const { engineUrl, engineFile, carrierUrl, activities } = running;
    output.event("listening", { engineUrl, engineFile, carrierUrl, taskQueue, activities }, () => {
      sayListening(io, output, { ...running, taskQueue, isRemote });
      return undefined;
    });
    await stopped(io.signal);
  } finally {
    await stack.close();
  }
  output.event("stopped", {}, () => undefined);
  return EXIT.ok;
}

function sayListening(
  io: CliIo,
  output: CarrierOutput,
  stack: RunningStack & { readonly taskQueue: string; readonly isRemote: boolean },
): void {
  const { bold, dim } = io.paint;
  const { engineUrl, engineFile, carrierUrl, activities, taskQueue, isRemote } = stack;
  const kept = engineFile === null ? "in memory" : shownPath(engineFile, io.cwd);
  const where = isRemote ? "elsewhere" : kept;
  const [first] = activities;
  const options = `${taskQueue === DEFAULT_TASK_QUEUE || !isRemote ? "" : ` --queue ${taskQueue}`}${isRemote ? ` --server ${engineUrl}` : ""}`;
  say(io, `engine   ${bold(engineUrl)}  ${dim(where)}`);
  say(io, `carrier  ${bold(carrierUrl)}  ${dim(`task queue ${taskQueue}`)}\n`);
  say(io, `${output.activities(activities)}\n`);
  say(io, `Start one:\n\n  dw-carrier start ${first?.type ?? "TYPE"} '[]'${options}\n`);
}
