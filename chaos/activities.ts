// What the carriers run. Each run is noted before it does anything: one that is killed has run, too.
import { appendFileSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { type ActivityContext, defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { realNow } from "./real-time.js";
import { CARRIERS, KINDS, type Kind, resultOf, type Task } from "./workload.js";

const folder = process.env["CHAOS_FOLDER"] ?? "";
const runs = openSync(join(folder, "runs.log"), "a");

const BEAT_MS = 500;

class Hopeless extends Error {
  override readonly name = "Hopeless";
}

class Refused extends NonRetryableError {
  override readonly name = "Refused";
}

class NotCancelled extends NonRetryableError {
  override readonly name = "NotCancelled";
}

async function perform(context: ActivityContext, kind: Kind, task: Task): Promise<unknown> {
  const { attempt, executionId, runId } = context.info;
  // Lines this short are appended whole.
  appendFileSync(runs, `${task.index} ${attempt} ${Math.round(realNow())} ${runId}\n`);
  switch (kind) {
    case "flaky":
      if (attempt <= task.failures) throw new Error("not yet");
      break;
    case "hopeless":
      throw new Hopeless("never");
    case "refused":
      throw new Refused("no");
    case "slow":
      await pause(task.ms, context.signal);
      break;
    case "beating":
      for (let done = 0; done < task.ms; done += BEAT_MS) {
        context.heartbeat({ current: done, total: task.ms, unit: "ms" });
        await pause(BEAT_MS, context.signal);
      }
      break;
    case "cancelled":
      await pause(25_000, context.signal);
      throw new NotCancelled("nobody has cancelled it");
    case "once":
      haveEffect(String(executionId), task);
      break;
    case "large":
    case "quick":
  }
  return resultOf(task);
}

/** An effect that a file stands for: whoever makes the file has it, others find that it was had. */
function haveEffect(executionId: string, { index }: Task): void {
  try {
    closeSync(openSync(join(folder, "effects", executionId), "wx"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return;
  }
  appendFileSync(join(folder, "effects.log"), `${index} ${executionId}\n`);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}

export default CARRIERS.flatMap((carrier) =>
  KINDS.map((kind) =>
    defineActivity({
      name: `${carrier}.${kind}`,
      run: (context, task: Task) => perform(context, kind, task),
    }),
  ),
);
