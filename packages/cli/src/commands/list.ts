import type { ListedActivity } from "@durable-workflow/client/tools";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { ControlPlane } from "../engine/control-plane.js";
import { tell } from "../engine/follow.js";
import { parseQuery, QUERY_OPTION, queriedOf } from "../engine/query.js";
import type { ActivityStory } from "../engine/story.js";
import { allUntaken, type Untaken, untakenKey } from "../engine/takers.js";
import { HttpClient } from "../net/http-client.js";
import { atMost, flag, integerOption, textOption } from "../options/values.js";
import { durationText } from "../report/duration.js";
import { table } from "../report/table.js";
import { compact, failureText, say, sayJson, statusStyle } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

const STATUSES = ["running", "completed", "failed"];
const LIMIT = 20;
/** How far back a query looks: engines do not search. */
const QUERIED = 20_000;

export const list: Command = {
  name: "list",
  summary: "Lists the activities that an engine knows, the newest first",
  usage: "[OPTIONS]",
  options: {
    status: {
      type: "string",
      value: STATUSES.join("|"),
      help: "only these; cancelled and timed-out ones are among the failed",
    },
    limit: { type: "string", value: "NUMBER", help: `how many; default ${LIMIT}` },
    ...QUERY_OPTION,
    details: { type: "boolean", help: "with attempts, and result or failure: two more requests for each" },
    ...CONNECTION_OPTIONS,
  },
  description: "With --json: a line for each activity; with --details each line is as dw-carrier show --json has it.",
  examples: [
    { line: "dw-carrier list --query 'type=billing.* newer=2h'", what: "what was started lately" },
    { line: "dw-carrier list --status failed --details", what: "what failed, and why" },
  ],
  run: runList,
};

async function runList(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  atMost(input, 0);
  const status = textOption(input, "status");
  if (status !== undefined && !STATUSES.includes(status)) {
    throw new CliError(EXIT.usage, `--status must be ${STATUSES.join(", ")}; got ${status}`);
  }
  const limit = integerOption(input, "limit", { least: 1, most: 100_000 }) ?? LIMIT;
  const client = new ControlPlane(await connectionOf(input, io), new HttpClient(io));
  const activities = await activitiesOf(client, input, limit, status === undefined ? {} : { status });
  const waiting = await waitingOf(client, activities);
  if (flag(input, "details")) {
    const stories: ActivityStory[] = [];
    for (const { activity_id: id } of activities) stories.push(await tell(client, id));
    sayStories(input, io, stories);
  } else sayList(input, io, activities, waiting);
  if (!input.json) for (const { message } of waiting.values()) say(io, io.paint.yellow(`waiting: ${message}`));
  return EXIT.ok;
}

/** The newest ones, of those for which a query holds where there is one. */
async function activitiesOf(
  client: ControlPlane,
  input: CommandInput,
  limit: number,
  filter: Readonly<Record<string, string>>,
): Promise<readonly ListedActivity[]> {
  const text = textOption(input, "query");
  if (text === undefined) return client.list(limit, filter);
  const query = parseQuery(text, Date.now());
  const found = await client.list(QUERIED, filter);
  return found.filter((one) => query(queriedOf(one))).slice(0, limit);
}

/** Those that run and that no worker takes; the workers are asked for only where something runs. */
async function waitingOf(client: ControlPlane, activities: readonly ListedActivity[]): Promise<Waiting> {
  const running = activities.filter(({ status }) => status === "running");
  const workers = running.length === 0 ? undefined : await client.workers();
  return workers === undefined ? new Map() : allUntaken(running, workers);
}

type Waiting = ReadonlyMap<string, Untaken>;

/** Why an activity waits; null for one that does not, as far as can be told. */
function whyWaiting(activity: ListedActivity, waiting: Waiting): string | null {
  return activity.status === "running" ? (waiting.get(untakenKey(activity))?.message ?? null) : null;
}

function sayList({ json }: CommandInput, io: CliIo, activities: readonly ListedActivity[], waiting: Waiting): void {
  if (json) {
    for (const activity of activities) sayJson(io, { ...listed(activity), waiting: whyWaiting(activity, waiting) });
    return;
  }
  if (activities.length === 0) {
    say(io, "There are none.");
    return;
  }
  const rows = activities.map((activity) => [
    activity.activity_id,
    activity.activity_type,
    activity.task_queue,
    whyWaiting(activity, waiting) === null
      ? { text: activity.status, paint: statusStyle(activity.status) }
      : { text: "waiting", paint: "yellow" as const },
    activity.started_at.replace(/\.\d+Z$/, "Z"),
    activity.closed_at === null ? "" : durationText(Date.parse(activity.closed_at) - Date.parse(activity.started_at)),
  ]);
  say(io, table(["ID", "TYPE", "QUEUE", "STATUS", "STARTED", "TOOK"], rows, { paint: io.paint, columns: undefined }));
}

function listed(activity: ListedActivity): object {
  return {
    id: activity.activity_id,
    runId: activity.workflow_run_id,
    type: activity.activity_type,
    taskQueue: activity.task_queue,
    status: activity.status,
    startedAt: activity.started_at,
    closedAt: activity.closed_at,
  };
}

function sayStories({ json }: CommandInput, io: CliIo, stories: readonly ActivityStory[]): void {
  if (json) {
    for (const story of stories) sayJson(io, story);
    return;
  }
  if (stories.length === 0) {
    say(io, "There are none.");
    return;
  }
  const rows = stories.map((story) => [
    story.id,
    story.type,
    String(story.attempts.length),
    { text: story.status, paint: statusStyle(story.status) },
    outcomeOf(story),
  ]);
  const columns = io.isTty ? io.columns : undefined;
  say(io, table(["ID", "TYPE", "ATTEMPTS", "STATUS", "RESULT OR FAILURE"], rows, { paint: io.paint, columns }));
}

/** Its result, its failure, or, where there is neither, what it was about when it ended. */
function outcomeOf({ status, result, failure, attempts, progress }: ActivityStory): string {
  if (status === "completed") return compact(result);
  const last = failure ?? attempts.findLast((attempt) => attempt.failure !== null)?.failure ?? null;
  if (last !== null) return failureText(last);
  return progress === null || progress.current === null
    ? ""
    : `at ${progress.current}${progress.total === null ? "" : ` of ${progress.total}`}${progress.unit === null ? "" : ` ${progress.unit}`}`;
}
