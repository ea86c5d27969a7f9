// A file with many runs, most of them closed, filled through the engine's own operations in large transactions; and what
// the engine's reads, its opening and its retention cost then.
import { statSync } from "node:fs";
import { PLAIN_START, PLAIN_WORKER } from "@durable-workflow/test-support/store-records";
import { leaseNext } from "../../packages/local-engine/dist/service/leases.js";
import { Pruner } from "../../packages/local-engine/dist/service/pruner.js";
import { completeTask } from "../../packages/local-engine/dist/service/reports.js";
import { startActivity } from "../../packages/local-engine/dist/service/starts.js";
import { quantile } from "../lib.mjs";
import { bareEngine } from "./bare-engine.mjs";

const BATCH = 5_000;
const BLOB = "wwHioz3/VYAiNwwCCgZBZGEA";

const contextOf = (file, integrityCheck) => bareEngine(file, { integrityCheck, maxBatch: 256 });

function startOne(context, taskQueue) {
  const started = startActivity(context, { ...PLAIN_START, taskQueue, input: BLOB });
  if (started.kind !== "started") throw new Error(`not started: ${started.kind}`);
  return started.run.activityId;
}

function runOne(context, worker, pollRequestId) {
  const { run, attemptId } = leaseNext(context, { worker, pollRequestId });
  const { namespace, state } = run;
  completeTask(context, { namespace, taskId: state.task.id, attemptId, leaseOwner: worker.workerId }, BLOB);
}

/** Bytes that each run takes. */
export async function fillRuns(file, { closed, open }) {
  const context = contextOf(file, "off");
  const { store } = context;
  store.write(() => store.namespaces.ensure("default", null, 0));
  for (let done = 0; done < closed; done += BATCH) {
    await store.transact(() => {
      for (let n = done; n < Math.min(closed, done + BATCH); n++) {
        startOne(context, "q");
        runOne(context, PLAIN_WORKER, `p${n}`);
      }
    });
  }
  for (let done = 0; done < open; done += BATCH) {
    await store.transact(() => {
      for (let n = done; n < Math.min(open, done + BATCH); n++) startOne(context, "waiting");
    });
  }
  store.close();
  return statSync(file).size / (closed + open);
}

/** Milliseconds until a file is open, as an engine opens it by default. */
export function openingMs(file, integrityCheck) {
  const before = performance.now();
  const { store } = contextOf(file, integrityCheck);
  const ms = performance.now() - before;
  store.close();
  return ms;
}

/** Microseconds of each read and each step, for several files in turns, so that what else the machine does hits all alike. */
export async function operationsUs(files, times) {
  const open = files.map((file) => ({ ...contextOf(file, "off"), took: {} }));
  for (let n = 0; n < times; n++) for (const one of open) await operate(one, n >= times / 5, n);
  for (const { store } of open) store.close();
  return open.map(({ took }) =>
    Object.fromEntries(
      Object.entries(took).map(([what, all]) => [what, { p50: quantile(all, 0.5), p99: quantile(all, 0.99) }]),
    ),
  );
}

async function operate(context, isCounted, n) {
  const { store, took } = context;
  const timed = (what, work) => {
    const before = performance.now();
    const result = work();
    if (isCounted) (took[what] ??= []).push((performance.now() - before) * 1000);
    return result;
  };
  let id;
  await store.transact(() => {
    id = timed("start", () => startOne(context, "q"));
    timed("poll and complete", () => runOne(context, PLAIN_WORKER, `bench-${n}`));
  });
  timed("describe", () => {
    const run = store.runs.latest(id);
    store.runs.outcome(run.key);
    store.runs.input(run.key);
    store.attempts.newestOf(run.key, 10);
  });
  timed("list page", () => store.listing.page("default", undefined, 50, { offset: 0 }));
  // Half-way down, where a long list begins anew with each page.
  timed("list page, deep", () =>
    store.listing.page("default", undefined, 50, { key: Math.ceil(store.runs.latest(id).key / 2) }),
  );
  timed("list of a status", () => store.listing.page("default", "running", 50, { offset: 0 }));
}

/** Milliseconds until each batch of a retention that removes everything is on disk, up to a number of batches. */
export async function retentionMs(file, batches) {
  const context = contextOf(file, "off");
  const pruner = new Pruner({ ...context, now: () => context.now() + 60_000_000 }, 1);
  const took = [];
  let removed = 0;
  for (let n = 0; n < batches; n++) {
    const started = performance.now();
    removed += (await pruner.pass(50)).removed;
    took.push(performance.now() - started);
  }
  context.store.close();
  return { worst: Math.max(...took), p50: quantile(took, 0.5), removed };
}
