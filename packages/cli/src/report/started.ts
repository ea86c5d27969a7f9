import type { StartedActivity } from "@durable-workflow/client/tools";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import type { ControlPlane } from "../engine/control-plane.js";
import { follow } from "../engine/follow.js";
import { storyEventOf } from "../engine/story-event.js";
import { untaken } from "../engine/takers.js";
import { type CliIo, EXIT, type ExitCode } from "../shell/command.js";
import { LiveReport } from "./live.js";
import { inOneLine, say, sayJson } from "./words.js";

/** After so long without an attempt it is told whether anybody takes the activity. */
const SILENCE_MS = 2_000;

interface StartedFacts {
  readonly engine: string;
  readonly request: StartRequest;
  readonly json: boolean;
  /** Whether the pauses between attempts are told: nobody asked for them. */
  readonly saysBackoff: boolean;
}

/** Tells that an activity was started. */
export function sayStarted(
  io: CliIo,
  started: StartedActivity,
  { engine, request, json, saysBackoff }: StartedFacts,
): void {
  const { activity_id: id, workflow_run_id: runId, activity_type: type, task_queue: taskQueue } = started;
  const { max_attempts: maxAttempts = 1, backoff_seconds: backoffSeconds = [] } = request.retry_policy ?? {};
  if (json) {
    sayJson(io, { event: "started", id, runId, type, taskQueue, engine, maxAttempts, backoffSeconds });
    return;
  }
  say(io, inOneLine(`${io.paint.bold(type)}  ${id}  ${io.paint.dim(`queue ${taskQueue} of ${engine}`)}`));
  if (maxAttempts === 1 || !saysBackoff) return;
  const waits = backoffSeconds.slice(0, maxAttempts - 1).join(", ");
  const rest = maxAttempts - 1 > backoffSeconds.length ? ` (then always ${backoffSeconds.at(-1) ?? 0})` : "";
  say(io, io.paint.dim(`  up to ${maxAttempts} attempts, ${waits}${rest} seconds apart; --backoff says otherwise`));
}

/** Follows an activity to its end, and tells what happens to it; the exit code says whether it completed. */
export async function followToEnd(
  io: CliIo,
  client: ControlPlane,
  started: StartedActivity,
  json: boolean,
): Promise<ExitCode> {
  const { activity_id: id } = started;
  const report = new LiveReport(io);
  let isTaken = false;
  const sayWaiting = async (): Promise<void> => {
    const workers = await client.workers();
    const why = workers === undefined ? undefined : untaken(started, workers);
    if (isTaken || why === undefined) return;
    if (json) sayJson(io, { event: "waiting", ...why });
    else report.waiting(why.message);
  };
  const patience = setTimeout(() => void sayWaiting(), SILENCE_MS);
  try {
    const story = await follow(client, {
      id,
      signal: io.signal,
      onEvent: (history) => {
        const step = storyEventOf(history);
        if (step === undefined) return;
        isTaken = true;
        if (json) sayJson(io, step);
        else report.event(step);
      },
    });
    if (story === undefined) {
      report.end();
      io.err(`The activity goes on: dw-carrier show ${id} tells how it ends, dw-carrier cancel ${id} ends it.\n`);
      return EXIT.failed;
    }
    if (json) sayJson(io, { event: "closed", activity: story });
    else report.closed(story);
    return story.status === "completed" ? EXIT.ok : EXIT.failed;
  } finally {
    isTaken = true;
    clearTimeout(patience);
    report.end();
  }
}
