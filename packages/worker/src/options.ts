import type { ActivityHandlers, ActivityIdempotency, ActivityInterceptors, Logger } from "@durable-workflow/carrier";
import type { PayloadStorage } from "@durable-workflow/carrier/storage";
import { type Clock, checkWorkerId, systemClock, type WorkSettings } from "@durable-workflow/dispatcher/leasing";
import { checkOptionNames, checkSwitches, type OptionNames, readToken } from "@durable-workflow/engine-protocol";

/** A bearer token, or a function that gives one: asked at the start, and again whenever the engine refuses it (401). */
export type TokenSource = string | (() => string | Promise<string>);

/** Which activities a worker runs, for which engine, and how many at once. */
export interface ActivityWorkerOptions {
  /** Functions and definitions by activity type: as those of a carrier. */
  readonly activities: ActivityHandlers;
  /** The task queue to lease from, or several. */
  readonly taskQueue: string | readonly string[];
  /** Where the engine is, as in `http://127.0.0.1:8080`. */
  readonly serverUrl: string;
  /** Default: none is sent. */
  readonly token?: TokenSource;
  /** Default `default`. */
  readonly namespace?: string;
  /** Leases only tasks whose run has this compatibility marker. Default: none. */
  readonly buildId?: string;
  /**
   * Begins the name under which it registers. One that stays the same over restarts must be that of one process at a time:
   * engines take the leases of a name away when it registers again. Default: host name, process id and a random part.
   */
  readonly workerId?: string;
  /** Tasks in flight at once, held polls included. Default 10. */
  readonly maxInFlight?: number;
  /** Polls held at once for one task queue, when there is work. Default: as `maxInFlight`; without work it is one. */
  readonly maxPolls?: number;
  /** How long to ask the engine to hold a poll, in seconds. Default 30; newer engines are asked for 60 at most. */
  readonly pollSeconds?: number;
  /** How long a drain waits for tasks in flight, in milliseconds. Default 25,000. */
  readonly drainMs?: number;
  /**
   * How long before the end of `drainMs` handlers are told: their `context.signal` is aborted with `CarrierShutdown`. What they
   * return then is reported. Default 5,000, at most half of `drainMs`.
   */
  readonly abortBeforeEndMs?: number;
  /** How long a request to the engine may take, polls apart, in milliseconds. Default 15,000. */
  readonly requestTimeoutMs?: number;
  /** Bytes of large arguments and results that are in memory at once. Default 128 MiB. */
  readonly payloadMemoryBytes?: number;
  /** Whether the engine's certificate must be valid. Default true. */
  readonly tlsVerify?: boolean;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read. Default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `interceptWith(...)`: code around every activity. Default none. */
  readonly interceptors?: ActivityInterceptors;
  /** Whether failures carry the stack traces of what handlers threw. Default true. */
  readonly stackTraces?: boolean;
  /** `idempotent({ store })` of `@durable-workflow/carrier/idempotency`. Default: every delivery runs the handler. */
  readonly idempotency?: ActivityIdempotency;
  /** `externalStorage(driver)` of `@durable-workflow/carrier/storage`. Default: the engine keeps what is large. */
  readonly externalStorage?: PayloadStorage;
  /** Gets what the worker has to say, and what handlers say with `context.logger`. Default: silent. */
  readonly logger?: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<ActivityWorkerOptions> = {
  activities: true,
  taskQueue: true,
  serverUrl: true,
  token: true,
  namespace: true,
  buildId: true,
  workerId: true,
  maxInFlight: true,
  maxPolls: true,
  pollSeconds: true,
  drainMs: true,
  abortBeforeEndMs: true,
  requestTimeoutMs: true,
  payloadMemoryBytes: true,
  tlsVerify: true,
  environment: true,
  interceptors: true,
  stackTraces: true,
  idempotency: true,
  externalStorage: true,
  logger: true,
  clock: true,
};

/** The options, complete. */
export interface ResolvedOptions {
  readonly given: ActivityWorkerOptions;
  readonly taskQueues: readonly string[];
  readonly namespace: string;
  readonly serverUrl: string;
  readonly tlsVerify: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly abortBeforeEndMs: number;
  readonly clock: Clock;
  readonly settings: WorkSettings;
}

const DEFAULT_ABORT_BEFORE_END_MS = 5_000;
const WORKER_HEARTBEAT_MS = 30_000;
const PAYLOAD_MEMORY_BYTES = 128 * 1024 * 1024;
/** Of what carriers answer over HTTP, of which there are none here. */
const RESPONSE_LIMIT_BYTES = 8 * 1024 * 1024;

/** @throws {TypeError} naming an option that cannot be used */
export function resolveOptions(options: ActivityWorkerOptions): ResolvedOptions {
  checkOptionNames("createActivityWorker", options, NAMES);
  checkSwitches(options, ["stackTraces", "tlsVerify"]);
  const { clock = systemClock, namespace = "default", buildId } = options;
  checkWorkerId(options.workerId);
  checkToken(options.token);
  text("namespace", namespace);
  if (buildId !== undefined) text("buildId", buildId);
  const maxInFlight = integer("maxInFlight", options.maxInFlight ?? 10, 1);
  const drainMs = integer("drainMs", options.drainMs ?? 25_000, 0);
  const earlier = options.abortBeforeEndMs ?? Math.min(DEFAULT_ABORT_BEFORE_END_MS, Math.floor(drainMs / 2));
  const abortBeforeEndMs = integer("abortBeforeEndMs", earlier, 0);
  if (abortBeforeEndMs > drainMs) throw new TypeError("abortBeforeEndMs must be at most drainMs");
  return {
    given: options,
    taskQueues: readQueues(options.taskQueue),
    // Engines lower-case namespaces; two spellings must not become two registrations.
    namespace: namespace.toLowerCase(),
    serverUrl: readServerUrl(options.serverUrl),
    tlsVerify: options.tlsVerify ?? true,
    environment: options.environment ?? process.env,
    abortBeforeEndMs,
    clock,
    settings: {
      clock,
      maxInFlight,
      maxInFlightPerCarrier: undefined,
      maxPolls: integer("maxPolls", options.maxPolls ?? maxInFlight, 1),
      pollSeconds: integer("pollSeconds", options.pollSeconds ?? 30, 0),
      requestTimeoutMs: integer("requestTimeoutMs", options.requestTimeoutMs ?? 15_000, 1),
      workerHeartbeatMs: WORKER_HEARTBEAT_MS,
      drainMs,
      responseLimitBytes: RESPONSE_LIMIT_BYTES,
      payloadMemoryBytes: integer("payloadMemoryBytes", options.payloadMemoryBytes ?? PAYLOAD_MEMORY_BYTES, 1),
      // Handlers in this process are always there.
      breaker: { failures: Number.MAX_SAFE_INTEGER, firstPauseMs: 1, longestPauseMs: 1 },
      given: buildId === undefined ? {} : { buildId },
    },
  };
}

function readQueues(taskQueue: string | readonly string[]): readonly string[] {
  const queues = typeof taskQueue === "string" ? [taskQueue] : [...new Set(taskQueue)];
  if (queues.length === 0) throw new TypeError("taskQueue must name at least one task queue");
  for (const queue of queues) text("taskQueue", queue);
  return queues;
}

function readServerUrl(serverUrl: string): string {
  const url = typeof serverUrl === "string" && URL.canParse(serverUrl) ? new URL(serverUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("serverUrl must be the engine's http or https URL, as in http://127.0.0.1:8080");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("serverUrl must have no credentials, query or fragment: a token goes into token");
  }
  return url.href;
}

function checkToken(token: TokenSource | undefined): void {
  if (token === undefined || typeof token === "function") return;
  if (typeof token === "string" && readToken(token).token !== undefined) return;
  throw new TypeError("token must be a string of visible ASCII characters, or a function that gives one");
}

function text(name: string, value: unknown): void {
  if (typeof value !== "string" || value.trim() === "") throw new TypeError(`${name} must be a non-empty string`);
}

function integer(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) throw new TypeError(`${name} must be an integer >= ${least}`);
  return value;
}
