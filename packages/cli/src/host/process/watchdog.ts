import process from "node:process";
import { Worker } from "node:worker_threads";
import type { RunFacts } from "./crash.js";
import type { RunGuard } from "./run-guard.js";

/** What the watching thread is started with. */
export interface WatchdogData {
  /** One number, which the main thread counts up while it is free. */
  readonly beats: SharedArrayBuffer;
  readonly parent: number;
  /** Where it writes what it finds. */
  readonly fd: number;
}

/** What the watching thread has found: the code that blocks the main thread. */
export interface BlockedBy {
  readonly run: RunFacts | null;
  /** The innermost lines of its stack, as `name (file:line)`. */
  readonly stack: readonly string[];
}

export const BEAT_MS = 250;
/** The pipe beside standard streams and channel. */
export const WATCHDOG_FD = 4;
/** By which the watching thread asks the main thread, in the debugger, whose code it runs. */
export const CURRENT_RUN = "durable-workflow.cli.current-run";

/**
 * Watches the main thread from another one: a thread that computes without end can neither say so, nor hear that its
 * parent has died.
 */
export function startWatchdog(guard: RunGuard): void {
  const beats = new SharedArrayBuffer(4);
  const count = new Int32Array(beats);
  setInterval(() => Atomics.add(count, 0, 1), BEAT_MS).unref();
  Object.defineProperty(globalThis, Symbol.for(CURRENT_RUN), { value: () => JSON.stringify(guard.current ?? null) });
  const workerData: WatchdogData = { beats, parent: process.ppid, fd: WATCHDOG_FD };
  const thread = new Worker(new URL("./watchdog-thread.js", import.meta.url), { workerData, execArgv: [] });
  // Where no thread can be had, its work is left undone, and nothing else.
  thread.on("error", () => {});
  thread.unref();
}
