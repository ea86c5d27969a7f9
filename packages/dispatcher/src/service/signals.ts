import { checkOptionNames } from "@durable-workflow/engine-protocol";
import type { DrainReport } from "../dispatch/api.js";

/** Options of `handleSignals`. */
export interface SignalOptions {
  /** Called once the drain is over. Default: `process.exit`, with 0, or 1 when tasks were given up. */
  readonly onDrained?: (report: DrainReport) => void;
  /** Called at the second signal. Default: `process.exit(code)`, at once. */
  readonly onImpatience?: (code: number) => void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Lets signals steer a dispatcher: SIGTERM and SIGINT drain, a second one kills the commands of process carriers and
 * ends the process at once, SIGHUP reloads the executor config, where there is a `reload`. The function returned takes the
 * handlers off.
 */
export function handleSignals(
  dispatcher: { drain(): Promise<DrainReport>; kill(): void; reload?(): Promise<boolean> },
  options: SignalOptions = {},
): () => void {
  checkOptionNames("handleSignals", options, { onDrained: true, onImpatience: true });
  const {
    onDrained = ({ abandoned }) => process.exit(abandoned === 0 ? 0 : 1),
    onImpatience = (code) => process.exit(code),
  } = options;
  let draining = false;
  const end = (signal: "SIGINT" | "SIGTERM"): void => {
    if (draining) {
      dispatcher.kill();
      onImpatience(EXIT_CODES[signal]);
      return;
    }
    draining = true;
    void dispatcher.drain().then(onDrained);
  };
  const reload = (): void => {
    void dispatcher.reload?.();
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  // Without something to reload, what Node does at this signal stands.
  // On Windows SIGHUP says that the window is being closed.
  if (dispatcher.reload !== undefined && process.platform !== "win32") process.on("SIGHUP", reload);
  return () => {
    process.off("SIGTERM", end);
    process.off("SIGINT", end);
    process.off("SIGHUP", reload);
  };
}
