import type {
  ActivityDetail,
  ActivityList,
  ActivityRow,
  Features,
  Overview,
  QueueList,
  StatusWord,
  TypeList,
  WorkerList,
} from "../api/index.js";

/** Which activities a list shows; empty lists filter nothing. */
export interface Filter {
  readonly status: readonly StatusWord[];
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly idPart: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

export interface ActivityName {
  readonly id: string;
  readonly runId: string;
}

/** What a watcher is told. */
export interface Watcher {
  /** Something happened to these. */
  readonly onActivities: (names: readonly ActivityName[]) => void;
  readonly onLost: (reason: string) => void;
}

/** An engine as the views want it, whichever kind it is. Rejections are {@link Problem}s. */
export interface Source {
  readonly kind: "local" | "server";
  readonly features: Features;
  readonly notes: readonly { readonly feature: keyof Features; readonly text: string }[];
  /** The engine's clock, as far as it is known. */
  now(): Promise<string>;
  overview(): Promise<Omit<Overview, "carriers">>;
  list(filter: Filter, cursor: string | undefined, limit: number): Promise<ActivityList>;
  /** Those that are there, in any order. */
  rows(names: readonly ActivityName[]): Promise<readonly ActivityRow[]>;
  detail(id: string, runId: string | undefined): Promise<ActivityDetail>;
  queues(): Promise<QueueList>;
  workers(): Promise<WorkerList>;
  types(): Promise<TypeList>;
  /** Begins to watch, until the signal is aborted. False: it cannot be watched now. */
  watch(watcher: Watcher, signal: AbortSignal): Promise<boolean>;
}
