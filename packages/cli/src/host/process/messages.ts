import type { InvocableHandler } from "@durable-workflow/carrier";
import type { EngineHeartbeatOptions } from "@durable-workflow/carrier/heartbeat";
import type { InvocableResultEnvelope } from "@durable-workflow/carrier/protocol";
import type { ExitCode } from "../../shell/command.js";
import type { ActivityFile } from "../activities/collect.js";
import type { Crash } from "./crash.js";

/** What a process that hosts activities is started with. Plain data: it goes over a channel. */
export interface HostOptions {
  readonly files: readonly string[];
  readonly cwd: string;
  readonly watch: boolean;
  /** Stands in `metadata.carrier`. */
  readonly carrier: string;
  /** Folder of large payloads; undefined where they are not kept outside. */
  readonly storageRoot: string | undefined;
  readonly heartbeat: EngineHeartbeatOptions | undefined;
}

/** A task to be run, by an id of the channel. */
export interface HostTask {
  readonly id: number;
  readonly envelope: unknown;
}

/** What came of it. */
export interface HostResult {
  readonly id: number;
  readonly envelope: InvocableResultEnvelope;
}

export type ToHost =
  | { readonly kind: "load"; readonly options: HostOptions }
  | { readonly kind: "run"; readonly tasks: readonly HostTask[] }
  /** The caller is gone. */
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "ping" }
  | { readonly kind: "stop"; readonly graceMs: number };

/** A `CliError`, as it travels. */
export interface HostProblem {
  readonly exitCode: ExitCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The activities that there are, and what is known of their arguments. */
export interface HostActivities {
  readonly types: readonly ActivityFile[];
  readonly inputSchemas: NonNullable<InvocableHandler["inputSchemas"]>;
}

export type FromHost =
  | ({ readonly kind: "loaded" } & HostActivities)
  | { readonly kind: "load_failed"; readonly problem: HostProblem }
  | ({ readonly kind: "reloaded" } & HostActivities)
  | { readonly kind: "reload_failed"; readonly problem: HostProblem }
  | { readonly kind: "sources"; readonly files: readonly string[] }
  /** Its handler is about to be called. */
  | { readonly kind: "started"; readonly id: number }
  | { readonly kind: "results"; readonly results: readonly HostResult[] }
  | { readonly kind: "refused"; readonly id: number; readonly message: string }
  | { readonly kind: "crash"; readonly crash: Crash }
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "pong" };

export type LogLevel = "debug" | "info" | "warn" | "error";
