import { ActivitySource } from "../activities/activity-source.js";
import type { CollectedActivities } from "../activities/collect.js";
import { CarrierOutput, curlCommand } from "../carrier/carrier-output.js";
import { type CarrierServer, startCarrierServer } from "../carrier/carrier-server.js";
import { carrierAccess } from "../carrier/security.js";
import { STORAGE_OPTION, storageOf } from "../carrier/storage-option.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../command.js";
import { serveHeartbeats } from "../engine/heartbeats.js";
import { flag, integerOption, PORTS, textOption } from "../option-values.js";
import { say } from "../report/words.js";
import { stopped } from "../stopped.js";

const PORT = 8787;
const GRACE_SECONDS = 10;

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
    ...STORAGE_OPTION,
  },
  description: `FILE is a module of JavaScript or TypeScript; TypeScript needs no build. Its activities are
- of a default export: an object, a Map or a list of functions and definitions, or an InvocableActivityHandler,
- every named export made by defineActivity,
- without a default export: every named function, under its name.

Heartbeats reach the engine when DURABLE_WORKFLOW_SERVER_URL and DURABLE_WORKFLOW_AUTH_TOKEN are set.
GET answers {"status":"ok"}, for health checks.`,
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
  const files = filesOf(input);
  const host = textOption(input, "host") ?? "127.0.0.1";
  const port = integerOption(input, "port", PORTS) ?? PORT;
  const access = carrierAccess(input, host, io.env);
  const graceSeconds = integerOption(input, "grace", { least: 0, most: 86_400 }) ?? GRACE_SECONDS;
  const output = new CarrierOutput(io, input.json);
  let server: CarrierServer | undefined;
  const source = new ActivitySource(
    {
      files,
      watch: flag(input, "watch"),
      handlerOptions: {
        carrier: "dw-carrier-serve",
        logger: output.logger,
        externalStorage: storageOf(input, io),
        heartbeat: serveHeartbeats(io.env),
      },
      onReload: (activities) => {
        server?.replace(activities.handler);
        output.reloaded(activities.types);
      },
      onBroken: (error) => {
        output.broken(error);
      },
    },
    io,
  );
  try {
    const activities = await source.load();
    server = await startCarrierServer({
      handler: activities.handler,
      host,
      port,
      auth: access.auth,
      onTask: (report) => {
        output.task(report);
      },
      onRefusal: (status, request) => {
        output.refusal(status, request);
      },
    });
    sayListening(output, io, { activities, url: server.url, variable: access.variable });
    await stopped(io.signal);
    output.event("stopping", { graceSeconds }, () => output.timed(`stopping; tasks that run have ${graceSeconds} s`));
  } finally {
    await Promise.all([server?.close(), source.close(graceSeconds * 1000)]);
  }
  output.event("stopped", {}, () => undefined);
  return EXIT.ok;
}

/** @throws {CliError} when none was given */
export function filesOf({ positionals }: CommandInput): readonly string[] {
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
    say(io, `Send it a task:\n\n  ${curlCommand(url, first?.type ?? "", variable)}\n`);
    return undefined;
  });
}
