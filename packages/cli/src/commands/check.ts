import { type ConfigReport, checkConfig } from "../doctor/config-report.js";
import { type OnlineReport, probe } from "../doctor/reach.js";
import { CONNECTION_OPTIONS, serviceConnection } from "../engine/connection.js";
import { atMost, flag, textOption } from "../options/values.js";
import { table } from "../report/table.js";
import { say, sayJson } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";
import { CONFIG_OPTIONS, configFile } from "./dispatch.js";

export const check: Command = {
  name: "check",
  summary: "Says what is wrong with an executor config, and what it comes to",
  usage: "--config FILE [OPTIONS]",
  options: {
    ...CONFIG_OPTIONS,
    online: { type: "boolean", help: "see whether the engine and every carrier can be reached" },
    ...CONNECTION_OPTIONS,
  },
  description: `Everything that is wrong is named, not only the first. What is shown holds no secrets: of credentials it says where
they are found, and whether something is there.
Ends with 78 for a config that is refused, with 69 when something cannot be reached, with 1 when a credential is missing.`,
  examples: [
    { line: "dw-carrier check --config executor.json --overlay production --online", what: "before it is rolled out" },
  ],
  run: runCheck,
};

async function runCheck(input: CommandInput, io: CliIo): Promise<ExitCode> {
  atMost(input, 0, "The file goes with --config.");
  const path = textOption(input, "config") ?? io.env["DW_EXTERNAL_EXECUTOR_CONFIG_PATH"];
  if (path === undefined || path === "") throw new CliError(EXIT.usage, "which config? Name the file with --config");
  const overlay = textOption(input, "overlay") ?? io.env["DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY"];
  const { flags, dev } = await serviceConnection(input, io, configFile(input, io));
  const { report, connection, carriers } = await checkConfig({
    path,
    overlay: overlay === "" ? undefined : overlay,
    flags,
    isOfDev: dev !== undefined,
    environment: io.env,
    cwd: io.cwd,
  });
  io.secrets.add(connection?.token.value);
  const online = flag(input, "online") && report.errors.length === 0 ? await probe(connection, carriers, io) : null;
  const exitCode = exitCodeOf(report, online);
  if (input.json) sayJson(io, { ok: exitCode === EXIT.ok, ...report, online });
  else sayReport(io, report, online);
  return exitCode;
}

function exitCodeOf({ errors, credentials }: ConfigReport, online: OnlineReport | null): ExitCode {
  if (errors.length > 0) return EXIT.config;
  const isReached = online === null || (online.engine.reachable && online.carriers.every(({ reachable }) => reachable));
  if (!isReached) return EXIT.unreachable;
  return credentials.every(({ found }) => found) ? EXIT.ok : EXIT.failed;
}

function sayReport(io: CliIo, report: ConfigReport, online: OnlineReport | null): void {
  const { paint } = io;
  const { errors, server, connection, mappings, carriers, credentials } = report;
  const shape = { paint, columns: undefined };
  if (errors.length > 0) {
    say(io, paint.red(`${errors.length} error${errors.length === 1 ? "" : "s"}`));
    for (const { code, message, context } of errors) {
      const where = Object.keys(context).length === 0 ? "" : paint.dim(` ${JSON.stringify(context)}`);
      say(io, `  ${paint.bold(code)}: ${message}${where}`);
    }
  } else say(io, paint.green("The config is in order."));
  if (server.length > 0) {
    say(io, `\n${paint.bold("A server that is given this file")}`);
    for (const { effect, code, path, message } of server) {
      const what = effect === "refused" ? paint.yellow(`refuses it (${code ?? ""})`) : paint.dim("passes over");
      say(io, `  ${what} ${path}: ${message}`);
    }
  }
  if (connection !== null) {
    const rows = Object.entries(connection).map(([name, { value, source }]) => [name, String(value ?? ""), source]);
    say(io, `\n${table(["CONNECTION", "VALUE", "FROM"], rows, shape)}`);
  }
  if (mappings.length > 0) {
    const rows = mappings.map((mapping) => [
      mapping.taskQueue,
      mapping.activityType,
      mapping.carrier,
      mapping.handler,
      mapping.authRef ?? "",
    ]);
    say(io, `\n${table(["QUEUE", "ACTIVITY", "CARRIER", "HANDLER", "CREDENTIAL"], rows, shape)}`);
  }
  if (carriers.length > 0) {
    const rows = carriers.map(({ name, type, target, timeoutSeconds }) => {
      const reached = online?.carriers.find((carrier) => carrier.name === name);
      return [name, type, target, timeoutSeconds === null ? "" : `${timeoutSeconds} s`, shownReach(reached)];
    });
    say(io, `\n${table(["CARRIER", "KIND", "TARGET", "TIMEOUT", online === null ? "" : "REACHED"], rows, shape)}`);
  }
  if (credentials.length > 0) {
    const rows = credentials.map(({ name, type, where, found, problem }) => [
      name,
      type,
      where,
      {
        text: found ? "found" : problem === null ? "MISSING" : `UNUSABLE: ${problem}`,
        paint: found ? ("green" as const) : ("red" as const),
      },
    ]);
    say(io, `\n${table(["CREDENTIAL", "KIND", "WHERE", ""], rows, shape)}`);
  }
  if (online !== null) say(io, `\nengine ${online.engine.url}: ${shownReach(online.engine)}`);
}

function shownReach(reach: { readonly reachable: boolean; readonly detail: string } | undefined): string {
  if (reach === undefined) return "";
  return reach.reachable ? reach.detail : `NO: ${reach.detail}`;
}
