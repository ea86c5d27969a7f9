import { decodePayload, isPayloadError, projectForJson } from "@durable-workflow/carrier/payload";
import type { InlinePayload } from "@durable-workflow/client/tools";
import { inlineInput, type StartedWith, startedWith } from "../engine/again.js";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { HttpClient } from "../net/http-client.js";
import { activityIdOption } from "../options/activity-id.js";
import { editText } from "../options/edit-text.js";
import { argumentsPayload, parseJsonArguments, readArgumentText } from "../options/json-arguments.js";
import { atMost, flag, positional, textOption } from "../options/values.js";
import { followToEnd, sayStarted } from "../report/started.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";

export const retry: Command = {
  name: "retry",
  summary: "Starts a closed activity again, with the same arguments and options",
  usage: "ID [OPTIONS]",
  options: {
    args: { type: "string", value: "ARGUMENTS", help: "other arguments, written as for dw-carrier start" },
    edit: { type: "boolean", help: "change the arguments in the editor that VISUAL or EDITOR names" },
    id: { type: "string", value: "ID", help: "id of the new one; default the same, whose newest run it then is" },
    detach: { type: "boolean", help: "do not wait for its end" },
    ...CONNECTION_OPTIONS,
  },
  description: `It is a new run with a history of its own: type, task queue, arguments, attempts, pauses, deadlines and business key are those
of the newest run. One that still runs is not started again.
Ends as dw-carrier start does, and prints the same with --json.`,
  examples: [
    { line: "dw-carrier retry invoice-42", what: "once the fault is mended" },
    { line: "dw-carrier retry invoice-42 --edit", what: "with arguments that you change in your editor first" },
  ],
  run: runRetry,
};

async function runRetry(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const id = positional(input, 0, "ID");
  atMost(input, 1, "Other arguments are given with --args.");
  const given = textOption(input, "args");
  if (given !== undefined && flag(input, "edit")) {
    throw new CliError(EXIT.usage, "--args and --edit exclude each other", "Give one of them.");
  }
  const other = activityIdOption(input);
  const replaced =
    given === undefined ? undefined : argumentsPayload(parseJsonArguments(await readArgumentText(given, io)));
  const connection = await connectionOf(input, io);
  const client = new ControlPlane(connection, new HttpClient(io));
  const before = await closedRun(client, id);
  const kept = replaced ?? (await inlineInput(before.input, client));
  const asked = { ...before.request, ...(other === undefined ? {} : { activity_id: other }) };
  const start = (payload: InlinePayload | undefined): ReturnType<ControlPlane["start"]> => client.start(asked, payload);
  const { started, request } = flag(input, "edit") ? await edited(kept, start, io) : await start(kept);
  const { json } = input;
  sayStarted(io, started, { engine: client.url, request, json, saysBackoff: false });
  return flag(input, "detach") ? EXIT.ok : await followToEnd(io, client, started, json);
}

/** @throws {CliError} for one that still runs */
async function closedRun(client: ControlPlane, id: string): Promise<StartedWith> {
  const description = await client.describe(id);
  if (description.status === "running") {
    throw new CliError(EXIT.failed, `the activity ${id} still runs`, `dw-carrier cancel ${id} ends it.`);
  }
  return startedWith(description, await client.history(id, description.workflow_run_id));
}

function edited(
  payload: InlinePayload | undefined,
  start: (payload: InlinePayload) => ReturnType<ControlPlane["start"]>,
  io: CliIo,
): ReturnType<ControlPlane["start"]> {
  const text = payload === undefined ? "[]" : JSON.stringify(shown(payload), null, 2);
  return editText(
    `${text}\n`,
    {
      name: "arguments.json",
      mayStay: true,
      inPlace: (file) => `--args @${file}`,
      use: (changed) => start(argumentsPayload(parseJsonArguments(changed))),
    },
    io,
  );
}

function shown(payload: InlinePayload): unknown {
  try {
    return projectForJson(decodePayload(payload, { lossless: true }));
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    const what = `the arguments cannot be decoded, so that they cannot be edited: ${error.message}`;
    throw new CliError(EXIT.failed, what, "Give others with --args.");
  }
}
