import process from "node:process";
import { CallerDisconnected, type InvocableHandler } from "@durable-workflow/carrier";
import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { externalStorage } from "@durable-workflow/carrier/storage";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { CliError, EXIT } from "../../shell/command.js";
import { ActivitySource } from "../activities/activity-source.js";
import type { CollectedActivities } from "../activities/collect.js";
import { Gathered } from "./gathered.js";
import { growSmallHeap } from "./heap.js";
import type { FromHost, HostActivities, HostOptions, HostProblem, HostResult, LogLevel, ToHost } from "./messages.js";
import { RunGuard } from "./run-guard.js";
import { RunSignal } from "./run-signal.js";
import { startWatchdog } from "./watchdog.js";

/** The process that runs the activities of `dw-carrier dev`: started by it, and steered over the channel between them. */

const exit = process.exit.bind(process);
const send = process.send?.bind(process);
// Modules that look for it take whoever started them for somebody who listens.
delete process.send;

const guard = new RunGuard((crash) => tell({ kind: "crash", crash }));
const results = new Gathered<HostResult>((several) => tell({ kind: "results", results: several }));
const callers = new Map<number, RunSignal>();
let source: ActivitySource | undefined;
let handler: InvocableHandler | undefined;

function tell(message: FromHost): void {
  if (process.connected) send?.(message, () => {});
}

/** Resolves once it is on its way: what follows may block this thread, or end the process. */
function toldBefore(message: FromHost): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) send?.(message, () => resolve());
    else resolve();
  });
}

const log =
  (level: LogLevel) =>
  (fields: Readonly<Record<string, unknown>>, message: string): void =>
    tell({ kind: "log", level, message, fields: plain(fields) });

async function load({ files, cwd, watch, carrier, storageRoot, heartbeat }: HostOptions): Promise<void> {
  source = new ActivitySource(
    {
      files,
      watch,
      handlerOptions: {
        carrier,
        externalStorage:
          storageRoot === undefined
            ? undefined
            : externalStorage(new LocalFilesystemExternalStorage({ root: storageRoot })),
        logger: { debug: () => {}, info: log("info"), warn: log("warn"), error: log("error") },
        heartbeat: heartbeat && engineHeartbeats(heartbeat),
      },
      onReload: (activities) => {
        handler = guard.guard(activities.handler);
        tell({ kind: "reloaded", ...told(activities) });
      },
      onBroken: (error) => tell({ kind: "reload_failed", problem: problemOf(error) }),
      onSources: (sources) => tell({ kind: "sources", files: sources }),
    },
    { cwd },
  );
  try {
    const activities = await source.load();
    handler = guard.guard(activities.handler);
    tell({ kind: "loaded", ...told(activities) });
  } catch (error) {
    tell({ kind: "load_failed", problem: problemOf(error) });
  }
}

function told({ types, handler: { inputSchemas = new Map() } }: CollectedActivities): HostActivities {
  return { types, inputSchemas };
}

async function run(id: number, envelope: unknown): Promise<void> {
  const caller = new RunSignal();
  callers.set(id, caller);
  try {
    await toldBefore({ kind: "started", id });
    if (handler === undefined) throw new Error("the activities are not loaded");
    results.add({ id, envelope: await handler.handle(envelope, { signal: caller }) });
  } catch (error) {
    tell({ kind: "refused", id, message: (error as Error).message });
  } finally {
    callers.delete(id);
  }
}

async function stop(graceMs: number): Promise<void> {
  await source?.close(graceMs);
  if (process.connected) process.disconnect();
}

function problemOf(error: unknown): HostProblem {
  const { message } = error as Error;
  const { exitCode, hint } = error instanceof CliError ? error : { exitCode: EXIT.config, hint: undefined };
  return { exitCode, message, hint };
}

/** What can be sent: numbers too large for JSON as text, what has no form as JSON left out. */
function plain(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const sent: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    try {
      const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
      if ((text as string | undefined) !== undefined) sent[name] = JSON.parse(text);
    } catch {
      sent[name] = "(has no form as JSON)";
    }
  }
  return sent;
}

guard.install();
growSmallHeap();
// The terminal sends both to all its processes: whoever started us says when to end.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
// It ended, or was killed: nobody is there to run anything for. The module's own connections must not keep us.
process.on("disconnect", () => exit(0));
startWatchdog(guard);
process.on("message", (message: ToHost) => {
  switch (message.kind) {
    case "load":
      void load(message.options);
      return;
    case "run":
      for (const { id, envelope } of message.tasks) void run(id, envelope);
      return;
    case "abort":
      callers.get(message.id)?.abort(new CallerDisconnected());
      return;
    case "ping":
      tell({ kind: "pong" });
      return;
    case "stop":
      void stop(message.graceMs);
  }
});
