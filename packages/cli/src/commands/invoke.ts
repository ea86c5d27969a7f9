import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import { at, parseJson } from "@durable-workflow/engine-protocol";
import { type TaskOptions, taskEnvelope } from "../invoke/envelope.js";
import { outcomeOf } from "../invoke/outcome.js";
import { textOutcome } from "../invoke/text-outcome.js";
import { carrierSilence } from "../net/carrier-silence.js";
import { type Answer, NoAnswer } from "../net/exchange.js";
import { HttpClient } from "../net/http-client.js";
import { CARRIER_TOKEN_OPTIONS, carrierToken, carrierUrl } from "../options/carrier-target.js";
import { readArgumentText } from "../options/json-arguments.js";
import { readTextFile } from "../options/text-file.js";
import { atMost, flag, integerOption, pairsOption, positional, secondsOption, textOption } from "../options/values.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";

const DEFAULT_TIMEOUT_MS = 60_000;

/** Sends one task to a carrier, without an engine. */
export const invoke: Command = {
  name: "invoke",
  summary: "Sends one task to a carrier, without an engine, and shows what comes of it",
  usage: "URL TYPE [ARGS]",
  options: {
    envelope: {
      type: "string",
      value: "FILE",
      help: "send this envelope as it is, in place of one for TYPE; - is stdin",
    },
    print: { type: "boolean", help: "print the envelope and send nothing; URL may then be left out" },
    timeout: { type: "string", value: "SECONDS", help: "longest wait for the answer (default 60)" },
    "task-queue": { type: "string", value: "NAME", help: "task.task_queue (default `default`)" },
    "task-id": { type: "string", value: "ID", help: "task.id (default: a new one)" },
    attempt: { type: "string", value: "NUMBER", help: "task.attempt (default 1)" },
    "idempotency-key": { type: "string", value: "KEY", help: "task.idempotency_key (default: the attempt's id)" },
    "execution-id": { type: "string", value: "ID", help: "headers.activity_execution_id (default: a new one)" },
    lease: { type: "string", value: "SECONDS", help: "how long the lease lasts (default 300)" },
    "start-to-close": { type: "string", value: "SECONDS", help: "how long the handler may take (default 60)" },
    header: {
      type: "string",
      multiple: true,
      value: "NAME=VALUE",
      help: "an entry of the envelope's headers, as traceparent; may be repeated",
    },
    ...CARRIER_TOKEN_OPTIONS,
  },
  description: `ARGS is a JSON list with one argument each (@FILE reads it from a file, - from standard input); anything else is the
one argument. 7 is an integer, exact up to 64 bits, and 7.0 a double. What JSON has not is written as it is shown:
{"$type":"bytes","base64":"AQI="}, {"$type":"long","value":"9"}, {"$type":"double","value":"1e300"},
{"$type":"map","entries":[{"key":"0","value":1}]}. In place of the list, {"$type":"reference","uri":"s3://bucket/key",
"sha256":"...","size_bytes":12} sends arguments that lie in external storage.
Exits with 1 when the activity fails, and when the answer is not of the contract.`,
  examples: [
    { line: `dw-carrier invoke http://127.0.0.1:8080/ billing.charge '["card-7", 1299]'`, what: "runs an activity" },
    {
      line: `dw-carrier invoke http://127.0.0.1:8080/ image.resize '[{"$type":"bytes","base64":"AQI="}, 0.5]'`,
      what: "sends bytes",
    },
    { line: "dw-carrier invoke http://127.0.0.1:8080/ --envelope task.json", what: "sends an envelope as it is" },
    { line: "dw-carrier invoke --print greet '[\"Ada\"]' > task.json", what: "writes an envelope" },
  ],
  run: runInvoke,
};

async function runInvoke(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const { target, envelope } = await taskOf(input, io);
  if (flag(input, "print")) {
    const spaces = input.json ? undefined : 2;
    io.out(envelope.text ?? `${JSON.stringify(envelope.document, null, spaces)}\n`);
    return EXIT.ok;
  }
  const url = carrierUrl(target ?? positional(input, 0, "URL"));
  const token = carrierToken(input, io);
  const answer = await send(url, envelope.text ?? JSON.stringify(envelope.document), token, input, io);
  const outcome = outcomeOf(at(envelope.document, "task"), answer, Date.now());
  const ok = outcome.outcome === "succeeded";
  if (input.json) io.out(`${JSON.stringify({ ok, ...outcome })}\n`);
  else io.out(textOutcome(outcome, io.paint));
  return ok ? EXIT.ok : EXIT.failed;
}

interface Task {
  readonly target: string | undefined;
  readonly envelope: {
    /** Parsed; undefined for what is no JSON, which can be sent nevertheless. */
    readonly document: unknown;
    /** What is sent in place of the document's JSON. */
    readonly text?: string;
  };
}

async function taskOf(input: CommandInput, io: CliIo): Promise<Task> {
  const file = textOption(input, "envelope");
  // A type of activity looks different: with --print the URL may be left out.
  const [first] = input.positionals;
  const withUrl = !flag(input, "print") || (first !== undefined && /^https?:\/\//i.test(first));
  if (file !== undefined) {
    atMost(input, withUrl ? 1 : 0, "--envelope has its own type and arguments.");
    const text = await readTextFile(file, io);
    return { target: first, envelope: { document: parseJson(text), text } };
  }
  const at0 = withUrl ? 1 : 0;
  if (withUrl) carrierUrl(positional(input, 0, "URL"));
  atMost(input, at0 + 2, "Quote ARGS for your shell: it is one JSON text.");
  const type = positional(input, at0, "TYPE");
  const args = await readArgumentText(input.positionals[at0 + 1], io);
  return { target: withUrl ? first : undefined, envelope: { document: taskEnvelope(type, args, optionsOf(input)) } };
}

function optionsOf(input: CommandInput): TaskOptions {
  const given = {
    taskQueue: textOption(input, "task-queue"),
    taskId: textOption(input, "task-id"),
    attempt: integerOption(input, "attempt", { least: 1, most: 2 ** 31 }),
    idempotencyKey: textOption(input, "idempotency-key"),
    executionId: textOption(input, "execution-id"),
    leaseMs: secondsOption(input, "lease"),
    startToCloseMs: secondsOption(input, "start-to-close"),
    headers: Object.fromEntries(pairsOption(input, "header", "NAME=VALUE")),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function send(
  url: URL,
  body: string,
  token: string | undefined,
  input: CommandInput,
  io: CliIo,
): Promise<Answer> {
  try {
    return await new HttpClient(io).exchange(url, {
      method: "POST",
      headers: {
        "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
        accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
      },
      token,
      body,
      timeoutMs: secondsOption(input, "timeout") ?? DEFAULT_TIMEOUT_MS,
      signal: io.signal,
    });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (error.why === "aborted") throw new CliError(EXIT.failed, "interrupted");
    throw carrierSilence(url, error);
  }
}
