import { resolve } from "node:path";
import { CONNECTION_OPTIONS, connectionOf, DEFAULT_TASK_QUEUE } from "../engine/connection.js";
import { DEFAULT_DATA_FOLDER } from "../engine/dev-state.js";
import { APP_OPTIONS, appTargets, isAppUrl } from "../host/apps/app-targets.js";
import { CarrierOutput } from "../host/carrier/carrier-output.js";
import type { RunningStack } from "../host/dev-stack.js";
import { growHeap } from "../host/process/heap.js";
import { ENV_FILES_OPTIONS, readEnvFiles } from "../options/env-files.js";
import { flag, integerOption, PORTS, textOption } from "../options/values.js";
import { openPage } from "../page/open-page.js";
import { shownFile } from "../report/shown-file.js";
import { say } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { stopped } from "../shell/stopped.js";

const INSPECT_PORT = 9229;
/** An empty list for a shell: that of Windows knows no single quotes, others may take brackets for a pattern. */
const NO_ARGUMENTS = process.platform === "win32" ? "[]" : "'[]'";

export const dev: Command = {
  name: "dev",
  summary: "Runs an engine, a dispatcher and the activities of modules or running apps on this machine",
  usage: "FILE|URL... [OPTIONS]",
  options: {
    watch: { type: "boolean", help: "load the files again when they, or what they import, change" },
    ...APP_OPTIONS,
    queue: { type: "string", value: "NAME", help: `task queue of the activities; default ${DEFAULT_TASK_QUEUE}` },
    ...ENV_FILES_OPTIONS,
    open: { type: "boolean", help: "open the page that shows the engine in the browser" },
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
URL attaches an app that runs, in whatever language: it is asked for its activity types with a GET, now and then, which it
answers with a manifest (see docs/host/http.md) or for which --types speaks. Tasks are sent there with its token.
While it runs, dw-carrier start, list, show, cancel and terminate find its engine without being told.
The engine keeps activities over restarts, and large payloads in a folder beside them. With --server the activities are those of a real engine; its token must then
be a worker's.`,
  examples: [
    { line: "dw-carrier dev activities.ts --watch", what: "runs them here, and follows your edits" },
    {
      line: "dw-carrier dev http://127.0.0.1:3000/api/activities jobs.ts",
      what: "sends tasks to the app that runs there, and runs those of a file",
    },
    {
      line: "dw-carrier dev activities.ts --server https://engine.example.com --token-env WORKER_TOKEN",
      what: "runs them for an engine elsewhere",
    },
  ],
  run: runDev,
};

async function runDev(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  growHeap();
  const output = new CarrierOutput(io, input.json);
  const isRemote = textOption(input, "server") !== undefined;
  await readEnvFiles(input, io, { byDefault: true });
  const apps = appTargets(input, io);
  // Late: the other commands need not wait for an engine to be loaded.
  const { DevStack } = await import("../host/dev-stack.js");
  const stack = new DevStack(
    {
      files: sourcesOf(input).filter((source) => !isAppUrl(source)),
      apps,
      watch: flag(input, "watch"),
      taskQueue: textOption(input, "queue"),
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
    const { engine, engineUrl, engineFile, carrierUrl, taskQueue, activities } = running;
    // An engine elsewhere has no page of its own here; dw-carrier ui shows it.
    const pageUrl = engine === "named" ? null : `${engineUrl}/`;
    output.event("listening", { engineUrl, engineFile, carrierUrl, taskQueue, activities, pageUrl }, () => {
      sayListening(io, output, running);
      return undefined;
    });
    if (pageUrl !== null && flag(input, "open")) openPage(pageUrl, io);
    await stopped(io.signal);
  } finally {
    await stack.close();
  }
  output.event("stopped", {}, () => undefined);
  return EXIT.ok;
}

/** @throws {CliError} when none was given */
function sourcesOf({ positionals }: CommandInput): readonly string[] {
  if (positionals.length > 0) return positionals;
  throw new CliError(
    EXIT.usage,
    "which file? Name the module that exports the activities, or the URL of an app that runs",
    "dw-carrier dev activities.ts; dw-carrier engine runs an engine alone.",
  );
}

function sayListening(io: CliIo, output: CarrierOutput, stack: RunningStack): void {
  const { bold, dim } = io.paint;
  const { engine, engineUrl, engineFile, carrierUrl, activities, taskQueue } = stack;
  const kept = engineFile === null ? "in memory" : shownFile(engineFile, io.cwd);
  const where = { own: kept, named: "elsewhere", found: "of dw-carrier engine" }[engine];
  const isNamed = engine === "named";
  const [first] = activities;
  const options = `${taskQueue === DEFAULT_TASK_QUEUE || engine === "own" ? "" : ` --queue ${taskQueue}`}${isNamed ? ` --server ${engineUrl}` : ""}`;
  say(io, `engine   ${bold(engineUrl)}  ${dim(where)}`);
  if (!isNamed) say(io, `page     ${bold(`${engineUrl}/`)}`);
  if (carrierUrl !== null) say(io, `carrier  ${bold(carrierUrl)}  ${dim(`task queue ${taskQueue}`)}`);
  say(io, activities.length === 0 ? "" : `\n${output.activities(activities)}\n`);
  say(io, `Start one:\n\n  dw-carrier start ${first?.type ?? "TYPE"} ${NO_ARGUMENTS}${options}\n`);
}
