import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { CONNECTION_OPTIONS, connectionOf, type EngineConnection } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { HttpClient } from "../net/http-client.js";
import { activityIdOption } from "../options/activity-id.js";
import { editText } from "../options/edit-text.js";
import { ENV_FILE_OPTION, readEnvFiles } from "../options/env-files.js";
import { argumentsPayload, parseJsonArguments, readArgumentText } from "../options/json-arguments.js";
import { atMost, flag, integerOption, integersOption, positional, textOption, wordsOption } from "../options/values.js";
import { followToEnd, sayStarted } from "../report/started.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";

const ATTEMPTS = { least: 1, most: 1_000_000 };
/** Engines go on at once where none is given: a thousand attempts in a second help nobody. */
const DEFAULT_BACKOFF = [1, 2, 4, 8, 16, 32, 60];
const BACKOFF = { least: 0, most: 315_360_000 };
const SECONDS = { least: 1, most: 315_360_000 };

export const start: Command = {
  name: "start",
  summary: "Starts an activity on an engine, and follows it to its end",
  usage: "TYPE [ARGUMENTS] [OPTIONS]",
  options: {
    queue: {
      type: "string",
      value: "NAME",
      help: "task queue; default that of the dw-carrier dev that runs here, else default",
    },
    id: { type: "string", value: "ID", help: "id of the activity; default a new one" },
    "max-attempts": { type: "string", value: "NUMBER", help: "attempts in all; default 1" },
    backoff: {
      type: "string",
      value: "SECONDS",
      help: `seconds before each further attempt, as in 0,1,5; the last one repeats; default ${DEFAULT_BACKOFF.join(",")}`,
    },
    "non-retryable": {
      type: "string",
      value: "TYPES",
      help: "types of failures after which there is no other attempt",
    },
    "start-to-close": { type: "string", value: "SECONDS", help: "how long one attempt may take" },
    "schedule-to-start": { type: "string", value: "SECONDS", help: "how long it may wait for a worker" },
    "schedule-to-close": { type: "string", value: "SECONDS", help: "how long all attempts may take" },
    "heartbeat-timeout": { type: "string", value: "SECONDS", help: "how long an attempt may be silent" },
    "business-key": { type: "string", value: "TEXT", help: "a key of your own" },
    edit: { type: "boolean", help: "write the arguments in the editor that VISUAL or EDITOR names" },
    detach: { type: "boolean", help: "do not wait for its end" },
    ...ENV_FILE_OPTION,
    ...CONNECTION_OPTIONS,
  },
  description: `ARGUMENTS is a JSON list, one item for each argument; @FILE reads it from a file, - from standard input. Anything but a
list is the only argument. Lines that begin with // are passed over. --edit begins with what the arguments look like, where a
carrier or a worker has said so, and starts nothing where that is left as it is, or emptied. Arguments over the engine's threshold are uploaded to it first. Bytes are written {"$type":"bytes","base64":"..."}; 7 is an integer, 7.0 a double.
Ends with 0 when the activity completed, and with 1 when it failed, or was cancelled or terminated.
With --json: lines with an event each, the last one with the activity as dw-carrier show --json has it.`,
  examples: [
    { line: `dw-carrier start greet '["Ada"]'`, what: "starts it, and shows its attempts, progress and result" },
    {
      line: "dw-carrier start billing.charge-card @charge.json --max-attempts 3 --backoff 0,1",
      what: "tries three times: again at once, and again after a second",
    },
    { line: "dw-carrier start billing.charge-card --edit", what: "has you write the arguments in your editor" },
  ],
  run: runStart,
};

async function runStart(input: CommandInput, io: CliIo): Promise<ExitCode> {
  await readEnvFiles(input, io, { byDefault: false });
  const type = positional(input, 0, "TYPE");
  atMost(input, 2, `Put all arguments into one JSON list: '["Ada", 7]'.`);
  const isEdited = flag(input, "edit");
  const [, given] = input.positionals;
  if (isEdited && given !== undefined) {
    throw new CliError(EXIT.usage, "ARGUMENTS and --edit exclude each other", "Give one of them.");
  }
  const args = parseJsonArguments(await readArgumentText(given, io));
  const connection = await connectionOf(input, io);
  const asked = requestOf(input, { type, connection });
  const client = new ControlPlane(connection, new HttpClient(io));
  const { started, request } = isEdited
    ? await startWritten(asked, client, io)
    : await client.start(asked, argumentsPayload(args));
  const { json } = input;
  const saysBackoff = textOption(input, "backoff") === undefined;
  sayStarted(io, started, { engine: client.url, request, json, saysBackoff });
  return flag(input, "detach") ? EXIT.ok : await followToEnd(io, client, started, json);
}

/** Starts with arguments that are written in an editor, from what is known of them on. */
async function startWritten(
  asked: Omit<StartRequest, "input">,
  client: ControlPlane,
  io: CliIo,
): ReturnType<ControlPlane["start"]> {
  const { activity_type: type, task_queue: queue } = asked;
  const { ArgumentDraft } = await import("../page/argument-draft.js");
  const draft = new ArgumentDraft(type, await client.inputSchema(type, queue));
  const options = {
    name: "arguments.jsonc",
    inPlace: (file: string) => `@${file}`,
    use: async (text: string) => {
      const args = parseJsonArguments(text);
      draft.check(args);
      return client.start(asked, argumentsPayload(args));
    },
  };
  return editText(draft.text, options, io);
}

function requestOf(
  input: CommandInput,
  { type, connection }: { readonly type: string; readonly connection: EngineConnection },
): Omit<StartRequest, "input"> {
  const id = activityIdOption(input);
  const businessKey = textOption(input, "business-key");
  const maxAttempts = integerOption(input, "max-attempts", ATTEMPTS);
  const backoff = integersOption(input, "backoff", BACKOFF) ?? ((maxAttempts ?? 1) > 1 ? DEFAULT_BACKOFF : undefined);
  const nonRetryable = wordsOption(input, "non-retryable");
  const policy = {
    ...(maxAttempts === undefined ? {} : { max_attempts: maxAttempts }),
    ...(backoff === undefined ? {} : { backoff_seconds: backoff }),
    ...(nonRetryable === undefined ? {} : { non_retryable_error_types: nonRetryable }),
  };
  const startToClose = integerOption(input, "start-to-close", SECONDS);
  const scheduleToStart = integerOption(input, "schedule-to-start", SECONDS);
  const scheduleToClose = integerOption(input, "schedule-to-close", SECONDS);
  const heartbeat = integerOption(input, "heartbeat-timeout", SECONDS);
  return {
    activity_type: type,
    task_queue: textOption(input, "queue") ?? connection.taskQueue,
    ...(id === undefined ? {} : { activity_id: id }),
    ...(businessKey === undefined ? {} : { business_key: businessKey }),
    ...(Object.keys(policy).length === 0 ? {} : { retry_policy: policy }),
    ...(startToClose === undefined ? {} : { start_to_close_timeout_seconds: startToClose }),
    ...(scheduleToStart === undefined ? {} : { schedule_to_start_timeout_seconds: scheduleToStart }),
    ...(scheduleToClose === undefined ? {} : { schedule_to_close_timeout_seconds: scheduleToClose }),
    ...(heartbeat === undefined ? {} : { heartbeat_timeout_seconds: heartbeat }),
  };
}
