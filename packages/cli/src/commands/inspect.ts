import { parseTimestamp } from "@durable-workflow/carrier/protocol";
import { at, parseJson } from "@durable-workflow/engine-protocol";
import { type RetryRule, readRetryRule } from "@durable-workflow/engine-protocol/control";
import { type InspectOptions, isBase64, type NearMiss, nearMisses, recognise } from "../inspect/recognise.js";
import { renderInspection } from "../inspect/render.js";
import { readTextFile } from "../options/text-file.js";
import { atMost, textOption } from "../options/values.js";
import { violationLine } from "../report/violation.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT, type ExitCode } from "../shell/command.js";

/** Says what a document of the contract is, what is wrong with it, and what becomes of it. */
export const inspect: Command = {
  name: "inspect",
  summary: "Explains an envelope, payload, reference, poll answer, config or recorded exchange",
  usage: "[FILE|-]",
  options: {
    poll: { type: "string", value: "FILE", help: "the poll answer of the task: its retry policy tells what follows" },
    overlay: { type: "string", value: "NAME", help: "of an executor config: apply this overlay first" },
    now: { type: "string", value: "TIME", help: "judge deadlines as of this RFC 3339 time (default: now)" },
  },
  description: `Reads JSON, or the bare base64 of a payload, from FILE or standard input and says what it is: a task input or result,
a published artifact, a payload, a reference, a poll answer, an executor config, cluster info, a storage policy, or a
recorded request with its response. Shows every violation with its path, decoded payloads with their kinds, deadlines
relative to now, and what the engine will do. Nothing is fetched or sent.`,
  examples: [
    { line: "dw-carrier inspect envelope.json", what: "explains an envelope" },
    { line: "echo 'wwHioz3/VYAiNwoKaGVsbG8=' | dw-carrier inspect", what: "decodes the blob of a payload" },
    { line: "dw-carrier inspect result.json --poll poll.json", what: "tells whether a failure is retried" },
  ],
  run: inspectDocument,
};

async function inspectDocument(input: CommandInput, io: CliIo): Promise<ExitCode> {
  atMost(input, 1, "Pipe several documents one by one.");
  const document = readDocument(await readSource(input.positionals[0], io));
  const options: InspectOptions = {
    now: nowOf(input),
    overlay: textOption(input, "overlay"),
    policy: await policyOf(input, io),
  };
  const found = recognise(document, options);
  if (found === undefined) return unknown(document, input, io);
  if (input.json) io.out(`${JSON.stringify({ ok: found.valid, ...found })}\n`);
  else io.out(`${renderInspection(found, io.paint)}\n`);
  return found.valid ? EXIT.ok : EXIT.failed;
}

async function readSource(file: string | undefined, io: CliIo): Promise<string> {
  const text = await readTextFile(file ?? "-", io);
  if (text.trim() === "") throw new CliError(EXIT.usage, `there is nothing in ${file ?? "standard input"}`);
  return text;
}

/** A parsed document, or the text itself where it can be a blob. */
function readDocument(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const trimmed = text.trim();
    if (isBase64(trimmed)) return trimmed;
    const problem = error instanceof Error ? error.message : "";
    throw new CliError(EXIT.failed, `this is neither JSON nor the base64 of a payload: ${problem}`);
  }
}

function nowOf(input: CommandInput): number {
  const given = textOption(input, "now");
  if (given === undefined) return Date.now();
  const now = parseTimestamp(given);
  if (now !== undefined) return now;
  throw new CliError(EXIT.usage, `--now must be an RFC 3339 time, as in 2026-04-22T01:10:00Z, got ${given}`);
}

async function policyOf(input: CommandInput, io: CliIo): Promise<RetryRule | null | undefined> {
  const file = textOption(input, "poll");
  if (file === undefined) return undefined;
  const document = parseJson(await readTextFile(file, io));
  const answer = at(document, "response", "body") ?? document;
  const task = at(answer, "task") ?? answer;
  if (at(task, "task_id") === undefined) {
    throw new CliError(EXIT.config, `${file} (--poll) is not a poll answer with a task: it has no task_id`);
  }
  return readRetryRule(at(task, "retry_policy"));
}

const KNOWN =
  "Known are task inputs and results, artifacts, payloads, references, poll answers, executor configs, cluster info, storage policies and {request, response}.";

function unknown(document: unknown, { json }: CommandInput, io: CliIo): ExitCode {
  const misses = nearMisses(document);
  if (json) {
    io.out(`${JSON.stringify({ ok: false, kind: null, nearMisses: misses })}\n`);
    return EXIT.failed;
  }
  const shape = Array.isArray(document) ? "a JSON list" : document === null ? "JSON null" : `a JSON ${typeof document}`;
  io.out(`${io.paint.bold("Nothing of the contract")}: ${shape}.\n${KNOWN}\n`);
  for (const miss of misses) io.out(`\n${describeMiss(miss)}\n`);
  return EXIT.failed;
}

const SHOWN = 8;

function describeMiss({ title, violations }: NearMiss): string {
  const lines = violations.slice(0, SHOWN).map((one) => `  ${violationLine(one)}`);
  const more = violations.length - lines.length;
  return [`It would be ${title} if this were put right:`, ...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join(
    "\n",
  );
}
