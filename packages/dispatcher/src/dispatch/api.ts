import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { ConfigError } from "@durable-workflow/engine-protocol/executor-config";
import type { ConnectionReport, Setting } from "../config/connection.js";
import type { LaneHealth } from "../events/board.js";
import type { EventStream } from "../events/events.js";
import type { BreakerState } from "../events/states.js";

/** Where a dispatcher is in its life. */
export type DispatcherState = "new" | "running" | "draining" | "stopped";

/** What a dispatcher is doing now. */
export interface DispatcherHealth {
  readonly state: DispatcherState;
  /** False once it has stopped: a process that serves nothing else can end. */
  readonly live: boolean;
  /** Whether it leases tasks, or works on as many as it may. */
  readonly ready: boolean;
  /** Tasks leased and not yet ended. */
  readonly inFlight: number;
  readonly lanes: readonly LaneHealth[];
  /** Circuit breakers, by carrier. */
  readonly carriers: readonly { readonly carrier: string; readonly state: BreakerState; readonly slots: number }[];
  /** Version of the worker protocol; null until the engine has answered. */
  readonly protocolVersion: string | null;
  /** How far the engine's clock is ahead of this machine's. */
  readonly clockSkewMs: number;
  /** What is wrong with the executor config's newest version, while an older one is in use. */
  readonly configErrors: readonly ConfigError[];
}

/** What became of the tasks in flight when a dispatcher drained. */
export interface DrainReport {
  /** Tasks that were given up: their leases run out, and the engine hands them out again. */
  readonly abandoned: number;
}

/** What counts, and who said so: fit to be shown. */
export interface EffectiveConfiguration {
  /** Secrets are redacted. */
  readonly connection: ConnectionReport;
  /** The executor config's file, by base name and SHA-256 of its path; null for none, or for one given as a document. */
  readonly configFile: Setting<JsonObject | null>;
  readonly configOverlay: Setting<string | null>;
}

/** A dispatcher: its life, its health, its events. */
export interface Dispatcher {
  /**
   * Loads the config and begins to lease tasks. It does not wait for the engine: until that answers, it is not ready.
   *
   * @throws {ExecutorConfigError} with everything that is wrong with the config
   * @throws {ProfileError} for a profile that does not exist
   * @throws {TypeError} naming a setting that cannot be used
   */
  start(): Promise<void>;
  /** Stops leasing, waits for tasks in flight as long as `drainMs` says, gives up the rest, and deregisters. */
  drain(): Promise<DrainReport>;
  /**
   * For a process that is about to exit without a drain: kills the commands of process carriers, which would outlive it.
   * Nothing is reported.
   */
  kill(): void;
  /**
   * Reads the executor config and the profiles again; tokens count from then on, the engine's address does not change.
   * False when the config is broken: the old one stays in use.
   */
  reload(): Promise<boolean>;
  readonly events: EventStream;
  health(): DispatcherHealth;
  /** What counts, with the source of each setting; secrets are redacted. Undefined before `start`. */
  effectiveConfiguration(): EffectiveConfiguration | undefined;
}
