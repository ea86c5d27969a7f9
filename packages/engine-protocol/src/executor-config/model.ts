/** An executor config, once it is known to be in order. */

/** Where a credential is found. */
export type AuthReference =
  | { readonly type: "env"; readonly env: string }
  | { readonly type: "token_file"; readonly path: string }
  | { readonly type: "profile"; readonly profile: string }
  | { readonly type: "mtls"; readonly cert: string; readonly keyRef: string };

/** How often one delivery is repeated before an attempt counts as failed. */
export interface TransportRetryPolicy {
  /** Deliveries in all, 1 to 5. */
  readonly maxAttempts: number;
  /** Seconds before each further try; the last one repeats, and none means none. */
  readonly backoffSeconds: readonly number[];
  readonly retryableStatusCodes: readonly (number | "5xx")[];
}

/** A carrier behind HTTP, as an executor config has it. */
export interface HttpCarrier {
  readonly type: "invocable_http";
  readonly name: string;
  readonly url: string;
  /** Null when the config does not say. */
  readonly timeoutSeconds: number | null;
  readonly retryPolicy: TransportRetryPolicy;
}

/** A carrier that is a command on this machine, as an executor config has it. */
export interface ProcessCarrier {
  readonly type: "process";
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number | null;
}

/** A carrier that tasks can be delivered to. */
export type Carrier = HttpCarrier | ProcessCarrier;

/** One activity, and where it goes. */
export interface ActivityMapping {
  readonly name: string;
  readonly taskQueue: string;
  readonly activityType: string;
  readonly handler: string;
  readonly carrier: Carrier;
  readonly authRef: string | null;
  readonly timeoutSeconds: number | null;
  /** Whether this machine's config says so, or the engine's. */
  readonly source: "config" | "engine";
}

/** What counts for mappings of an executor config that do not say it themselves. */
export interface ConfigDefaults {
  readonly profile: string | null;
  readonly namespace: string | null;
  readonly taskQueue: string | null;
  readonly authRef: string | null;
}

/** An executor config that was read: which activity goes to which carrier. */
export interface ExecutorConfig {
  readonly defaults: ConfigDefaults;
  readonly authRefs: ReadonlyMap<string, AuthReference>;
  /** Of kind `activity` only: the rest is not for a dispatcher. */
  readonly mappings: readonly ActivityMapping[];
}

/** The mapping of an activity: exact matches only, undefined for none. */
export function resolveActivity(
  config: ExecutorConfig,
  taskQueue: string,
  activityType: string,
): ActivityMapping | undefined {
  return config.mappings.find((mapping) => mapping.taskQueue === taskQueue && mapping.activityType === activityType);
}
