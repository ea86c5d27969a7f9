import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { tell } from "../engine/follow.js";
import type { ActivityStory } from "../engine/story.js";
import { HttpClient } from "../net/http-client.js";
import { atMost, positional } from "../options/values.js";
import { durationText } from "../report/duration.js";
import { table } from "../report/table.js";
import { compact, failureText, indented, progressText, say, sayJson, stackText, statusStyle } from "../report/words.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

export const show: Command = {
  name: "show",
  summary: "Shows all that an engine knows of an activity",
  usage: "ID [OPTIONS]",
  options: CONNECTION_OPTIONS,
  description: "Its newest run: arguments, attempts, progress, result or failure, whether it runs or has ended.",
  examples: [{ line: "dw-carrier show invoice-42 --json", what: "one JSON object" }],
  run: runShow,
};

async function runShow(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  const id = positional(input, 0, "ID");
  atMost(input, 1);
  const client = new ControlPlane(await connectionOf(input, io), new HttpClient(io));
  const story = await tell(client, id);
  if (input.json) sayJson(io, story);
  else sayStory(io, story);
  return EXIT.ok;
}

const LABEL_WIDTH = 13;

function sayStory(io: CliIo, story: ActivityStory): void {
  const { paint } = io;
  const took =
    story.closedAt === null ? "" : `, took ${durationText(Date.parse(story.closedAt) - Date.parse(story.startedAt))}`;
  const facts: readonly (readonly [string, string | null])[] = [
    ["id", story.id],
    ["run", story.runId],
    ["type", story.type],
    ["queue", `${story.taskQueue} (namespace ${story.namespace})`],
    ["business key", story.businessKey],
    ["status", paint[statusStyle(story.status)](story.status)],
    ["started", `${story.startedAt}${took}`],
    ["arguments", story.arguments === null ? null : compact(story.arguments)],
    ["progress", story.progress === null ? null : progressText(story.progress)],
    ["result", story.status === "completed" ? compact(story.result) : null],
    ["failure", story.failure === null ? null : failureText(story.failure)],
    ["stack", story.failure === null ? null : stackText(story.failure)],
    ["details", story.failure === null || story.failure.details === null ? null : compact(story.failure.details)],
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
