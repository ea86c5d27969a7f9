import { type DrainReport, handleSignals as handle, type SignalOptions } from "@durable-workflow/dispatcher/leasing";
import { checkOptionNames, checkSwitches } from "@durable-workflow/engine-protocol";
import type { ActivityWorker } from "./api.js";

/** What a worker does when its process is told to end. */
export interface WorkerSignalOptions extends SignalOptions {
  /**
   * Whether an error that nobody has caught drains as well: nothing more is leased, the tasks of others have two seconds to be
   * reported, and then Node's own rule stands, which prints the error and ends the process. Nobody can say which activity it
   * was. Default false: Node's rule stands at once.
   */
  readonly fatal?: boolean;
}

const FATAL_GRACE_MS = 2_000;

/**
 * Lets signals steer a worker: SIGTERM and SIGINT drain, a second one ends the process at once. The function returned takes
 * the handlers off.
 *
 * @throws {TypeError} for an option that is not known, or not what it must be
 */
export function handleSignals(
  worker: Pick<ActivityWorker, "drain" | "kill">,
  options: WorkerSignalOptions = {},
): () => void {
  checkOptionNames("handleSignals", options, { fatal: true, onDrained: true, onImpatience: true });
  checkSwitches(options, ["fatal"]);
  const { fatal = false, ...signals } = options;
  const steered = { drain: (): Promise<DrainReport> => worker.drain(), kill: (): void => worker.kill() };
  const takeSignalsOff = handle(steered, signals);
  if (!fatal) return takeSignalsOff;
  const takeOff = (): void => {
    takeSignalsOff();
    process.off("uncaughtException", end);
    process.off("unhandledRejection", end);
  };
  const end = (error: unknown): void => {
    takeOff();
    void drainThenThrow(worker, error);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
  return takeOff;
}

async function drainThenThrow(worker: Pick<ActivityWorker, "drain" | "kill">, error: unknown): Promise<void> {
  await Promise.race([
    worker.drain(),
    new Promise<void>((resolve) => {
      setTimeout(resolve, FATAL_GRACE_MS);
    }),
  ]);
  worker.kill();
  // Out of all promises, so that it is what nobody has caught.
  setImmediate(() => {
    throw error;
  });
}
