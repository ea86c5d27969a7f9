import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { tell } from "../engine/follow.js";
import { parseQuery, QUERY_OPTION, queriedOf } from "../engine/query.js";
import { stopAll } from "../engine/stop-all.js";
import { HttpClient } from "../net/http-client.js";
import { confirmed } from "../options/confirm.js";
import { atMost, flag, positional, textOption } from "../options/values.js";
import { say, sayJson, statusStyle } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";

type How = "cancel" | "terminate";

const OPTIONS = {
  reason: { type: "string", value: "TEXT", help: "why, for the engine's records" },
  query: { ...QUERY_OPTION.query, help: "in place of ID: all that run and for which it holds" },
  yes: { type: "boolean", help: "with --query: do not ask first" },
  ...CONNECTION_OPTIONS,
} as const;

const BULK = `With --query all that run and for which it holds, once you have said yes or --yes; dw-carrier list --status running --query
shows them. With --json: a line {"id","status"} or {"id","error"} for each, and one {"event":"done"} with their numbers.`;

export const cancel: Command = {
  name: "cancel",
  summary: "Cancels an activity, or all for which a query holds",
  usage: "ID | --query QUERY [OPTIONS]",
  options: OPTIONS,
  description: `The engine closes it, and lets the handler know at its next heartbeat: its signal is aborted. With --json: {"id","status"}.
${BULK}`,
  examples: [
    { line: "dw-carrier cancel invoice-42 --reason 'paid by cheque'", what: "cancels it" },
    {
      line: "dw-carrier cancel --query 'type=report.* older=2h' --yes",
      what: "cancels all reports that run for so long",
    },
  ],
  run: (input, io) => stop("cancel", input, io),
};

export const terminate: Command = {
  name: "terminate",
  summary: "Terminates an activity, or all for which a query holds",
  usage: "ID | --query QUERY [OPTIONS]",
  options: OPTIONS,
  description: `Like cancel, but recorded as terminated: for what cannot be cancelled. With --json: {"id","status"}.
${BULK}`,
  examples: [{ line: "dw-carrier terminate invoice-42", what: "ends it" }],
  run: (input, io) => stop("terminate", input, io),
};

async function stop(how: How, input: CommandInput, io: CliIo): Promise<ExitCode> {
  const query = textOption(input, "query");
  if (query !== undefined) return await stopMany(how, query, input, io);
  if (flag(input, "yes")) throw new CliError(EXIT.usage, "--yes is for --query");
  const id = positional(input, 0, "ID");
  atMost(input, 1, "Several are ended with --query.");
  const client = new ControlPlane(await connectionOf(input, io), new HttpClient(io));
  await client.stop(how, id, textOption(input, "reason"));
  const { status } = await tell(client, id);
  if (input.json) sayJson(io, { id, status });
  else say(io, `${id}  ${io.paint[statusStyle(status)](status)}`);
  return EXIT.ok;
}

async function stopMany(how: How, text: string, input: CommandInput, io: CliIo): Promise<ExitCode> {
  atMost(input, 0, "Either ID or --query.");
  const { json } = input;
  const query = parseQuery(text, Date.now());
  const client = new ControlPlane(await connectionOf(input, io), new HttpClient(io));
  const running = await client.list(Number.MAX_SAFE_INTEGER, { status: "running" });
  const ids = running.filter((one) => query(queriedOf(one))).map(({ activity_id: id }) => id);
  const count = `${ids.length} activit${ids.length === 1 ? "y" : "ies"}`;
  const verb = how === "cancel" ? "Cancel" : "Terminate";
  const question = `${verb} ${count} (${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", ..." : ""}) of ${client.url}?`;
  if (ids.length > 0 && !flag(input, "yes") && !(await confirmed(question, json, io))) {
    throw new CliError(EXIT.failed, "nothing was done: it was not confirmed");
  }
  const status = how === "cancel" ? "cancelled" : "terminated";
  let seen = 0;
  const ended = await stopAll(client, { how, ids, reason: textOption(input, "reason"), signal: io.signal }, (one) => {
    seen++;
    if (json)
      sayJson(
        io,
        one.outcome === "failed"
          ? { id: one.id, error: one.message }
          : { id: one.id, status: one.outcome === "over" ? "over" : status },
      );
    else if (one.outcome === "failed") io.err(`${one.id}: ${one.message}\n`);
    if (!json && io.isTty && seen < ids.length) io.redraw(`${seen} of ${ids.length}`);
  });
  if (json) sayJson(io, { event: "done", ...ended });
  else {
    if (io.isTty && ids.length > 1) io.redraw("");
    const over = ended.over === 0 ? "" : `, ${ended.over} had ended before`;
    const failed = ended.failed === 0 ? "" : `, ${ended.failed} failed`;
    const left = ended.left === 0 ? "" : `, ${ended.left} were left`;
    say(io, `${ended.stopped} ${status}${over}${failed}${left}.`);
  }
  return ended.failed + ended.left === 0 ? EXIT.ok : EXIT.failed;
}
