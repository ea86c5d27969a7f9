import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { atMost, positional } from "../options/values.js";
import { actOn } from "../page/views.js";
import { say, sayJson } from "../report/words.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

export const drain: Command = {
  name: "drain",
  summary: "Lets a task queue of a local engine take no new activities",
  usage: "QUEUE [OPTIONS]",
  options: CONNECTION_OPTIONS,
  description: `Those that it holds are still handed out, and a start is refused until dw-carrier resume QUEUE.
With --json: {"queue","draining"}.`,
  examples: [{ line: "dw-carrier drain billing", what: "lets billing run empty" }],
  run: (input, io) => change("drain_queue", input, io),
};

export const resume: Command = {
  name: "resume",
  summary: "Lets a task queue that was drained take activities again",
  usage: "QUEUE [OPTIONS]",
  options: CONNECTION_OPTIONS,
  description: `With --json: {"queue","draining"}.`,
  examples: [{ line: "dw-carrier resume billing", what: "opens billing again" }],
  run: (input, io) => change("resume_queue", input, io),
};

async function change(action: "drain_queue" | "resume_queue", input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  const queue = positional(input, 0, "QUEUE");
  atMost(input, 1);
  const { text } = await actOn(await connectionOf(input, io), io, { action, queue });
  if (input.json) sayJson(io, { queue, draining: action === "drain_queue" });
  else say(io, text);
  return EXIT.ok;
}
