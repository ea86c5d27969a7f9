import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { tell } from "../engine/follow.js";
import { HttpClient } from "../net/http-client.js";
import { atMost, positional, textOption } from "../options/values.js";
import { say, sayJson, statusStyle } from "../report/words.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

const OPTIONS = {
  reason: { type: "string", value: "TEXT", help: "why, for the engine's records" },
  ...CONNECTION_OPTIONS,
} as const;

export const cancel: Command = {
  name: "cancel",
  summary: "Cancels an activity",
  usage: "ID [OPTIONS]",
  options: OPTIONS,
  description: `The engine closes it, and lets the handler know at its next heartbeat: its signal is aborted. With --json: {"id","status"}.`,
  examples: [{ line: "dw-carrier cancel invoice-42 --reason 'paid by cheque'", what: "cancels it" }],
  run: (input, io) => stop("cancel", input, io),
};

export const terminate: Command = {
  name: "terminate",
  summary: "Terminates an activity",
  usage: "ID [OPTIONS]",
  options: OPTIONS,
  description: `Like cancel, but recorded as terminated: for what cannot be cancelled. With --json: {"id","status"}.`,
  examples: [{ line: "dw-carrier terminate invoice-42", what: "ends it" }],
  run: (input, io) => stop("terminate", input, io),
};

async function stop(how: "cancel" | "terminate", input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  const id = positional(input, 0, "ID");
  atMost(input, 1);
  const client = new ControlPlane(await connectionOf(input, io), new HttpClient(io));
  await client.stop(how, id, textOption(input, "reason"));
  const { status } = await tell(client, id);
  if (input.json) sayJson(io, { id, status });
  else say(io, `${id}  ${io.paint[statusStyle(status)](status)}`);
  return EXIT.ok;
}
