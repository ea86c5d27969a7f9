import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { decodePayload, isPayloadError, type JsonValue, projectForJson } from "@durable-workflow/carrier/payload";
import type { InlinePayload } from "@durable-workflow/client/tools";
import { fileTrouble } from "@durable-workflow/dispatcher/tools";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { tell } from "../engine/follow.js";
import type { ActivityStory } from "../engine/story.js";
import { partOf, referenceIn, referencesOf, STORY_PARTS, type StoryPart } from "../engine/story-payloads.js";
import { HttpClient } from "../net/http-client.js";
import { atMost, positional, textOption } from "../options/values.js";
import { durationText } from "../report/duration.js";
import { sizeText } from "../report/size.js";
import { table } from "../report/table.js";
import { compact, failureText, indented, progressText, say, sayJson, stackText, statusStyle } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

export const show: Command = {
  name: "show",
  summary: "Shows all that an engine knows of an activity",
  usage: "ID [OPTIONS]",
  options: {
    download: {
      type: "string",
      value: "FILE",
      help: "write the result to a new file as JSON, also where the engine keeps it apart",
    },
    part: { type: "string", value: STORY_PARTS.join("|"), help: "what --download writes; default result" },
    ...CONNECTION_OPTIONS,
  },
  description: `Its newest run: arguments, attempts, progress, result or failure, whether it runs or has ended. A large payload, which the
engine keeps apart, is told by its size, SHA-256, and whether it can be fetched; --json has these as "references".
--download compares size and SHA-256, and writes nothing unless they are right.`,
  examples: [
    { line: "dw-carrier show invoice-42 --json", what: "one JSON object" },
    { line: "dw-carrier show report-7 --download report.json", what: "its result, however large" },
  ],
  run: runShow,
};

async function runShow(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  const id = positional(input, 0, "ID");
  atMost(input, 1);
  const part = partOption(input);
  const target = textOption(input, "download");
  if (part !== undefined && target === undefined) throw new CliError(EXIT.usage, "--part needs --download FILE");
  const connection = await connectionOf(input, io);
  const client = new ControlPlane(connection, new HttpClient(io));
  const story = await tell(client, id);
  if (target !== undefined) {
    await download(input, io, { story, part: part ?? "result", client, target });
    return EXIT.ok;
  }
  const references = await referencesWithState(story, client);
  if (input.json) sayJson(io, { ...story, references });
  else sayStory(io, story, references);
  return EXIT.ok;
}

const LABEL_WIDTH = 13;

/** A payload that the engine keeps apart. */
interface ShownReference {
  readonly part: StoryPart;
  readonly referenceId: string;
  readonly codec: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly canBeFetched: boolean;
  /** Why not; null where it can. */
  readonly reason: string | null;
}

async function referencesWithState(story: ActivityStory, client: ControlPlane): Promise<readonly ShownReference[]> {
  return Promise.all(
    referencesOf(story).map(async ({ part, reference }) => {
      const state = await client.availability(reference);
      return {
        part,
        referenceId: reference.reference_id,
        codec: reference.codec,
        sizeBytes: reference.size_bytes,
        sha256: reference.sha256,
        canBeFetched: state.isAvailable,
        reason: state.isAvailable ? null : reasonOf(state.status),
      };
    }),
  );
}

/** An answer to HEAD has no body to say more. */
const STATUSES: Readonly<Record<number, string>> = {
  401: "the token is not known",
  403: "the token may not read payloads",
  404: "the engine has no such payload in this namespace",
  410: "it has expired",
  422: "its bytes are not what the reference says",
  503: "the engine's storage cannot be reached now",
};

function reasonOf(status: number): string {
  return STATUSES[status] ?? `the engine answers ${status}`;
}

function partOption(input: CommandInput): StoryPart | undefined {
  const given = textOption(input, "part");
  const part = STORY_PARTS.find((one) => one === given);
  if (given === undefined || part !== undefined) return part;
  throw new CliError(EXIT.usage, `--part must be ${STORY_PARTS.join(", ")}; got ${given}`);
}

interface Download {
  readonly story: ActivityStory;
  readonly part: StoryPart;
  readonly client: ControlPlane;
  readonly target: string;
}

/** Writes a part of a story into a new file, as JSON. */
async function download(input: CommandInput, io: CliIo, { story, part, client, target }: Download): Promise<void> {
  const isThere = part === "result" ? story.status === "completed" : part === "arguments" || story.failure !== null;
  if (!isThere) throw new CliError(EXIT.failed, `the activity ${story.id} has no ${part}: it is ${story.status}`);
  const value = partOf(story, part);
  const reference = referenceIn(value);
  const text = `${JSON.stringify(reference === undefined ? value : decode(await client.download(reference)))}\n`;
  const file = resolve(io.cwd, target);
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    throw new CliError(EXIT.config, `${target} cannot be written: ${fileTrouble(error)}`, "Name another file.");
  }
  const bytes = Buffer.byteLength(text);
  const verified = reference === undefined ? null : reference.sha256;
  if (input.json) sayJson(io, { id: story.id, part, file, bytes, sha256: verified });
  else say(io, `The ${part} of ${story.id} is in ${target}: ${sizeText(bytes)} of JSON.`);
}

function decode(payload: InlinePayload): JsonValue {
  try {
    return projectForJson(decodePayload(payload, { lossless: true }));
  } catch (error) {
    if (!isPayloadError(error)) throw error;
    throw new CliError(EXIT.failed, `the payload is whole, and cannot be decoded: ${error.message}`);
  }
}

function sayStory(io: CliIo, story: ActivityStory, references: readonly ShownReference[]): void {
  const { paint } = io;
  const took =
    story.closedAt === null ? "" : `, took ${durationText(Date.parse(story.closedAt) - Date.parse(story.startedAt))}`;
  const shown = (part: StoryPart): string => {
    const found = references.find((one) => one.part === part);
    const text = compact(partOf(story, part));
    if (found === undefined) return text;
    const how = part === "result" ? "--download FILE" : `--download FILE --part ${part}`;
    return `${text}\n${found.canBeFetched ? `${how} writes it to a file` : `cannot be fetched: ${found.reason ?? ""}`}`;
  };
  const facts: readonly (readonly [string, string | null])[] = [
    ["id", story.id],
    ["run", story.runId],
    ["type", story.type],
    ["queue", `${story.taskQueue} (namespace ${story.namespace})`],
    ["business key", story.businessKey],
    ["status", paint[statusStyle(story.status)](story.status)],
    ["started", `${story.startedAt}${took}`],
    ["arguments", story.arguments === null ? null : shown("arguments")],
    ["progress", story.progress === null ? null : progressText(story.progress)],
    ["result", story.status === "completed" ? shown("result") : null],
    ["failure", story.failure === null ? null : failureText(story.failure)],
    ["stack", story.failure === null ? null : stackText(story.failure)],
    ["details", story.failure === null || story.failure.details === null ? null : shown("details")],
  ];
  for (const [label, text] of facts)
    if (text !== null) say(io, `${paint.dim(label.padEnd(LABEL_WIDTH))} ${indented(text, LABEL_WIDTH + 1)}`);
  if (story.attempts.length === 0) return;
  const rows = story.attempts.map(({ attempt, status, startedAt, closedAt, worker, failure }) => [
    String(attempt),
    { text: status, paint: statusStyle(status) },
    startedAt,
    closedAt === null ? "" : durationText(Date.parse(closedAt) - Date.parse(startedAt)),
    worker ?? "",
    failure === null ? "" : failureText(failure),
  ]);
  say(
    io,
    `\n${table(["ATTEMPT", "STATUS", "STARTED", "TOOK", "WORKER", "FAILURE"], rows, { paint, columns: undefined })}`,
  );
}
