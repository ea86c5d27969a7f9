import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { DEFAULT_KEEP_ALIVE_TIMEOUT_MS } from "@durable-workflow/carrier/serve";
import { externalStorage } from "@durable-workflow/carrier/storage";
import { serveHeartbeats } from "../engine/heartbeats.js";
import { ActivitySource } from "../host/activities/activity-source.js";
import type { CollectedActivities } from "../host/activities/collect.js";
import { carrierAccess } from "../host/carrier/carrier-access.js";
import { CarrierOutput, taskCommand } from "../host/carrier/carrier-output.js";
import { type CarrierServer, startCarrierServer } from "../host/carrier/carrier-server.js";
import { STORAGE_OPTION, storageOf } from "../host/carrier/storage-option.js";
import { growSmallHeap } from "../host/process/heap.js";
import { RunGuard } from "../host/process/run-guard.js";
import { ENV_FILES_OPTIONS, readEnvFiles } from "../options/env-files.js";
import { flag, integerOption, PORTS, textOption } from "../options/values.js";
import { say } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";
import { stopped, unlessStopped } from "../shell/stopped.js";

const PORT = 8787;
const GRACE_SECONDS = 10;
const LINGER_SECONDS = 5;
const KEEP_ALIVE_SECONDS = DEFAULT_KEEP_ALIVE_TIMEOUT_MS / 1000;

export const serve: Command = {
  name: "serve",
  summary: "Hosts the activities that modules export, over HTTP",
  usage: "FILE... [OPTIONS]",
  options: {
    host: { type: "string", value: "ADDRESS", help: "address to listen on; default 127.0.0.1" },
    port: { type: "string", value: "NUMBER", help: `port to listen on, 0 for a free one; default ${PORT}` },
    "token-env": {
      type: "string",
      value: "VARIABLE",
      help: "environment variable that holds the token that tasks must come with; default DW_CARRIER_TOKEN, if set",
    },
    insecure: { type: "boolean", help: "listen where others can reach it although there is no token" },
    watch: { type: "boolean", help: "load the files again when they, or what they import, change" },
    grace: {
      type: "string",
      value: "SECONDS",
      help: `how long tasks that run may go on at the end; default ${GRACE_SECONDS}`,
    },
    "max-tasks": {
      type: "string",
      value: "NUMBER",
      help: "the most tasks at once, others are answered 503; default 1000",
    },
    linger: {
      type: "string",
      value: "SECONDS",
      help: `how long tasks are still taken after SIGTERM, while health checks fail; default ${LINGER_SECONDS}, 0 is off`,
    },
    "keep-alive": {
      type: "string",
      value: "SECONDS",
      help: `how long idle connections are kept; default ${KEEP_ALIVE_SECONDS}, above the 60 of load balancers`,
    },
    ...STORAGE_OPTION,
    ...ENV_FILES_OPTIONS,
  },
  description: `FILE is a module of JavaScript or TypeScript; TypeScript needs no build. Its activities are
- of a default export: an object, a Map or a list of functions and definitions, or an InvocableActivityHandler,
- every named export made by defineActivity,
- without a default export: every named function, under its name.

Heartbeats reach the engine when DURABLE_WORKFLOW_SERVER_URL and DURABLE_WORKFLOW_AUTH_TOKEN are set, and that of a
dw-carrier dev or engine that runs here.
GET answers {"status":"ok"}, for health checks, and 503 once it is told to stop.
What an activity leaves to the process (a rejection that nothing handles, an exception in a timer, process.exit) ends that
attempt alone. When the process itself ends, or computes without end, whatever runs it must start it again.`,
  examples: [
    {
      line: "dw-carrier serve activities.ts --watch",
      what: "hosts them on http://127.0.0.1:8787/, and follows your edits",
    },
    {
      line: "DW_CARRIER_TOKEN=... dw-carrier serve billing.js reports.js --host 0.0.0.0 --port 8080",
      what: "hosts the activities of two modules for whoever has the token",
    },
  ],
  run: runServe,
};

async function runServe(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  await readEnvFiles(input, io, { byDefault: true });
  const files = filesOf(input);
  const host = textOption(input, "host") ?? "127.0.0.1";
  const port = integerOption(input, "port", PORTS) ?? PORT;
  const access = carrierAccess(input, host, io);
  const graceSeconds = integerOption(input, "grace", { least: 0, most: 86_400 }) ?? GRACE_SECONDS;
  const lingerSeconds = integerOption(input, "linger", { least: 0, most: 3_600 }) ?? LINGER_SECONDS;
  const maxTasks = integerOption(input, "max-tasks", { least: 1, most: 1_000_000 });
  const keepAliveSeconds = integerOption(input, "keep-alive", { least: 1, most: 3_600 }) ?? KEEP_ALIVE_SECONDS;
  const output = new CarrierOutput(io, input.json);
  const guard = new RunGuard((crash) => output.crash(crash));
  let server: CarrierServer | undefined;
  let lingerMs = 0;
  const storage = storageOf(input, io);
  const heartbeat = await unlessStopped(io.signal, () => serveHeartbeats(io));
  const source = new ActivitySource(
    {
      files,
      watch: flag(input, "watch"),
      handlerOptions: {
        carrier: "dw-carrier-serve",
        logger: output.logger,
        externalStorage: storage && externalStorage(storage),
        heartbeat: heartbeat && engineHeartbeats(heartbeat),
      },
      onReload: (activities) => {
        server?.replace(guard.guard(activities.handler));
        output.reloaded(activities.types);
      },
      onBroken: (error) => {
        output.broken(error);
      },
    },
    io,
  );
  const uninstall = guard.install();
  const leaveHeap = growSmallHeap();
  try {
    const activities = await unlessStopped(io.signal, () => source.load());
    server = await startCarrierServer({
      handler: guard.guard(activities.handler),
      host,
      port,
      auth: access.auth,
      maxTasks,
      logger: output.logger,
      keepAliveMs: keepAliveSeconds * 1000,
      onTask: (report) => {
        output.task(report);
      },
      onRefusal: (refused) => {
        output.refusal(refused);
      },
      shutdown: (graceMs) => source.close(graceMs),
    });
    sayListening(output, io, { activities, url: server.url, variable: access.variable });
    await stopped(io.signal);
    // Who presses Ctrl-C does not wait for a load balancer.
    const linger = io.signal.reason === "SIGTERM" ? lingerSeconds : 0;
    output.event("stopping", { lingerSeconds: linger, graceSeconds }, () =>
      output.timed(
        `stopping; ${linger === 0 ? "" : `tasks are taken for ${linger} s more; `}tasks that run have ${graceSeconds} s`,
      ),
    );
    lingerMs = linger * 1000;
  } finally {
    await (server?.close({ lingerMs, graceMs: graceSeconds * 1000 }) ?? source.close(0));
    uninstall();
    leaveHeap();
  }
  output.event("stopped", {}, () => undefined);
  return EXIT.ok;
}

/** @throws {CliError} when none was given */
function filesOf({ positionals }: CommandInput): readonly string[] {
  if (positionals.length > 0) return positionals;
  throw new CliError(
    EXIT.usage,
    "which file? Name the module that exports the activities",
    "dw-carrier serve activities.ts",
  );
}

function sayListening(
  output: CarrierOutput,
  io: CliIo,
  { activities, url, variable }: { activities: CollectedActivities; url: string; variable: string | undefined },
): void {
  const { bold } = io.paint;
  output.event("listening", { url, activities: activities.types, tokenVariable: variable ?? null }, () => {
    const [first] = activities.types;
    say(
      io,
      `The carrier listens on ${bold(url)}${variable === undefined ? "" : `, for tasks with the token of ${variable}`}\n`,
    );
    say(io, `${output.activities(activities.types)}\n`);
    say(io, `Send it a task:\n\n  ${taskCommand(url, first?.type ?? "", { tokenVariable: variable })}\n`);
    return undefined;
  });
}
