// The client: starts activities at a rate, follows each to its end, and notes all of it in a journal. Killed and started
// again, it goes on by its journal. Argument: its settings as JSON.
import { openSync, readFileSync, writeSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { type ActivityHandle, createClient, isClientError } from "@durable-workflow/client";
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
const { url, tasks, seed, perSecond, startedAt, journal } = settings;
const client = createClient({ serverUrl: url, maxConcurrentRequests: MOST_REQUESTS });
const file = openSync(journal, "a+");
const note = (...words: readonly (string | number)[]): void => void writeSync(file, `${words.join(" ")}\n`);

/** What an earlier life of this process has noted. */
interface Known {
  readonly runId: string | undefined;
}

function readJournal(): { readonly begun: number; readonly open: Map<number, Known> } {
  const open = new Map<number, Known>();
  let begun = 0;
  for (const line of readFileSync(journal, "utf8").split("\n").slice(0, -1)) {
    const [word, number, runId] = line.split(" ");
    const index = Number(number);
    if (word === "B") begun = Math.max(begun, index + 1);
    if (word === "B") open.set(index, { runId: undefined });
    else if (word === "A") open.set(index, { runId });
    else if (word === "E") open.delete(index);
  }
  return { begun, open };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Does it again for as long as the engine cannot be had: that is for the chaos to end. */
async function insist<Value>(what: string, task: Task, action: (tries: number) => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await action(tries);
    } catch (error) {
      if (!isClientError(error)) throw error;
      note("R", task.index, what, error.code);
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

async function follow(index: number, known: Known | undefined): Promise<void> {
  const task = taskOf(seed, index, tasks);
  let handle: ActivityHandle<unknown>;
  if (known?.runId === undefined) {
    if (known === undefined) note("B", index);
    const began = realNow();
    handle = await start(task, known !== undefined);
    note("A", index, handle.runId ?? "-", Math.round(realNow()), Math.round(realNow() - began));
  } else {
    handle = client.handle(task.id, { runId: known.runId });
  }
  if (task.kind === "cancelled") {
    await pause(CANCEL_AFTER_MS);
    await insist("cancel", task, () => handle.cancel());
  }
  const outcome = await insist("outcome", task, () => handle.outcome());
  const isRight = outcome.kind !== "completed" || isDeepStrictEqual(outcome.result, resultOf(task));
  const type = outcome.kind === "completed" ? "-" : (outcome.failure?.type ?? "-").replaceAll(" ", "_");
  note("E", index, isRight ? outcome.kind : "wrong_result", type, outcome.attempts, Math.round(realNow()));
}

const { begun, open } = readJournal();
const under = new Set<Promise<void>>();
const broken: unknown[] = [];
const run = (index: number, known?: Known): void => {
  const one: Promise<void> = follow(index, known)
    .catch((error: unknown) => {
      note("X", index, error instanceof Error ? error.message.replaceAll("\n", " ") : String(error));
      broken.push(error);
    })
    .finally(() => under.delete(one));
  under.add(one);
};
for (const [index, known] of open) run(index, known);
for (let next = begun; next < tasks && broken.length === 0; ) {
  const due = Math.min(tasks, Math.floor(((realNow() - startedAt) / 1000) * perSecond) + 1);
  while (next < due && under.size < MOST_OPEN) run(next++);
  await pause(20);
}
await Promise.all(under);
await client.close();
if (broken.length > 0) throw broken[0];
