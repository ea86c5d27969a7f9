// The client: starts activities at a rate, follows each to its end, and notes all of it in a journal. Killed and started
// again, it goes on by its journal. Argument: its settings as JSON.
import { isDeepStrictEqual } from "node:util";
import { type ActivityHandle, createClient, isClientError } from "@durable-workflow/client";
import { isStopped, Journal } from "./journal.js";
import { realNow } from "./real-time.js";
import {
  HEARTBEAT_SECONDS,
  MOST_OPEN,
  MOST_REQUESTS,
  QUEUE_NAME,
  START_TO_CLOSE_SECONDS,
  type StarterSettings,
} from "./settings.js";
import { resultOf, type Task, taskOf, textOf } from "./workload.js";

const PAUSE_MS = 300;
const CANCEL_AFTER_MS = 200;

const settings = JSON.parse(process.argv[2] ?? "") as StarterSettings;
const { url, tasks, seed, perSecond, startedAt, folder } = settings;
const client = createClient({ serverUrl: url, maxConcurrentRequests: MOST_REQUESTS });
const journal = new Journal(folder);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Does it again for as long as the engine cannot be had: that is for the chaos to end. */
async function insist<Value>(what: string, task: Task, action: (tries: number) => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await action(tries);
    } catch (error) {
      if (!isClientError(error)) throw error;
      journal.note("R", task.index, what, error.code);
      await pause(PAUSE_MS);
    }
  }
}

/** A start whose answer was lost may have been heard: from the second try on, what is there is taken. */
function start(task: Task, isAgain: boolean): Promise<ActivityHandle<unknown>> {
  const { index, type, id, maxAttempts, bytes } = task;
  return insist("start", task, (tries) => {
    const attach = tries > 1 || isAgain ? ("attach" as const) : undefined;
    return client.start(type, [bytes > 0 ? { ...task, text: textOf(index, bytes) } : task], {
      id,
      taskQueue: QUEUE_NAME,
      retry: { maxAttempts, backoffSeconds: [0, 1, 1, 2] },
      startToCloseSeconds: START_TO_CLOSE_SECONDS,
      ...(task.kind === "beating" ? { heartbeatSeconds: HEARTBEAT_SECONDS } : {}),
      onRunning: attach,
      onClosed: attach,
    });
  });
}

/** @param isKnown whether an earlier life of this process has begun it @param runId as that life has noted it */
async function follow(index: number, isKnown: boolean, runId: string | undefined): Promise<void> {
  const task = taskOf(seed, index, tasks);
  let handle: ActivityHandle<unknown>;
  if (runId === undefined) {
    if (!isKnown) journal.note("B", index);
    const began = realNow();
    handle = await start(task, isKnown);
    journal.note("A", index, handle.runId ?? "-", Math.round(realNow()), Math.round(realNow() - began));
  } else {
    handle = client.handle(task.id, { runId });
  }
  if (task.kind === "cancelled") {
    await pause(CANCEL_AFTER_MS);
    await insist("cancel", task, () => handle.cancel());
  }
  const outcome = await insist("outcome", task, () => handle.outcome());
  const isRight = outcome.kind !== "completed" || isDeepStrictEqual(outcome.result, resultOf(task));
  const type = outcome.kind === "completed" ? "-" : (outcome.failure?.type ?? "-").replaceAll(" ", "_");
  journal.note("E", index, isRight ? outcome.kind : "wrong_result", type, outcome.attempts, Math.round(realNow()));
}

const under = new Set<Promise<void>>();
const broken: unknown[] = [];
const run = (index: number, isKnown: boolean, runId?: string): void => {
  const one: Promise<void> = follow(index, isKnown, runId)
    .catch((error: unknown) => {
      journal.note("X", index, error instanceof Error ? error.message.replaceAll("\n", " ") : String(error));
      broken.push(error);
    })
    .finally(() => under.delete(one));
  under.add(one);
};
let next = journal.begun;
for (const [index, runId] of journal.open) run(index, true, runId);
while (next < tasks && broken.length === 0 && !isStopped(folder)) {
  const due = Math.min(tasks, Math.floor(((realNow() - startedAt) / 1000) * perSecond) + 1);
  while (next < due && under.size < MOST_OPEN) run(next++, false);
  await pause(20);
}
await Promise.all(under);
await client.close();
if (broken.length > 0) throw broken[0];
