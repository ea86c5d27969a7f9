import {
  checkOptionNames,
  checkSwitches,
  type InProcessEngine,
  type OptionNames,
} from "@durable-workflow/engine-protocol";
import { type ConnectionFlags, checkConnectionFlags } from "../config/connection.js";
import type { Environment } from "../config/profiles.js";
import type { Authorizer } from "../delivery/authorizer.js";
import type { LocalCredential } from "../delivery/credentials.js";
import type { LocalCarrier } from "../delivery/handler-delivery.js";
import type { SharedStorage } from "../payloads/shared-store.js";
import { type Clock, systemClock } from "../time/clock.js";
import { checkAuthorizers, checkOrigins } from "./check-authorizers.js";
import { checkWorkerId } from "./worker-id.js";

/** A task queue to lease from, beside those of the executor config, or with other types than it says. */
export interface QueueBinding {
  /** Default: the connection's. */
  readonly namespace?: string;
  readonly taskQueue: string;
  /** Default: those that the executor config maps for this queue. Needed where it maps none. */
  readonly activityTypes?: readonly string[];
}

/** When nothing is leased any more for a carrier that does not answer. Times are in milliseconds. */
export interface BreakerLimits {
  /** Failures in a row after which nothing is leased for a carrier. Default 5. */
  readonly failures?: number;
  /** The first pause. Default 200. */
  readonly firstPauseMs?: number;
  /** The longest pause. Default 60,000. */
  readonly longestPauseMs?: number;
}

/** Authorizers by `auth_ref`. */
export type AuthorizersByReference = Readonly<Record<string, Authorizer>>;

/** Options of `createDispatcher`. */
export interface DispatcherOptions {
  /**
   * The executor config: a parsed document, or a function that returns one, called at the start and at each `reload()`.
   * Default: read from `configPath`.
   */
  readonly config?: unknown;
  /** File of the executor config. Default: `DW_EXTERNAL_EXECUTOR_CONFIG_PATH`; without either, the engine's mapping counts. */
  readonly configPath?: string;
  /** Overlay to apply to it. Default: `DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY`, else none. */
  readonly configOverlay?: string;
  /** Handlers that the carriers are known to have; a config that maps to another is refused. Default: not checked. */
  readonly knownHandlers?: readonly string[];
  /** How often to look whether the file has changed; 0 for never. Default 2,000. */
  readonly configCheckMs?: number;
  /** How to reach the engine; see `resolveConnection` for what counts where nothing is given. */
  readonly connection?: ConnectionFlags;
  /**
   * An engine of this process, such as a `LocalEngine`: requests go to it without a connection, those for large payloads apart, which
   * go to the connection's URL. Default: all go there.
   */
  readonly engine?: InProcessEngine;
  /**
   * Carriers of this process, by their names in the executor config: what is mapped to them is given to them without a connection, and
   * their URLs are for others. An `InvocableActivityHandler` is one. Default: none.
   */
  readonly handlers?: Readonly<Record<string, LocalCarrier>>;
  /** Default `process.env`. */
  readonly environment?: Environment;
  /** The engine's command line configuration. Default: where that keeps it. */
  readonly profilesPath?: string;
  /** Credentials for mappings that come from the engine, by `auth_ref`, with the origins each may be sent to. */
  readonly credentials?: Readonly<Record<string, LocalCredential>>;
  /**
   * What makes requests acceptable to the walls of platforms, by `auth_ref`: `awsSigV4`, `googleIdToken`, `headersFrom` of
   * `@durable-workflow/dispatcher/authorizers`, or one of your own. Each takes the place of what the config's `auth_refs` say of
   * that reference, and is used for the same origins alone. A function is called at the start, and whenever the config is read
   * again and has changed, or `reload()` is called; where it throws a `TypeError`, the last ones stay in use.
   */
  readonly authorizers?: AuthorizersByReference | (() => AuthorizersByReference | Promise<AuthorizersByReference>);
  /**
   * Whether commands are run that come from the engine alone: whoever may configure the engine can then run anything on
   * this machine. Default false: a process carrier must be in this machine's own config.
   */
  readonly allowEngineCommands?: boolean;
  /**
   * Whether tasks are sent to URLs that come from the engine alone: whoever may configure the engine can then have requests
   * made from this machine, to loopback as well, and read what is answered. Default false: a carrier must be in this
   * machine's own config. Whatever is set, types that this dispatcher never registered are refused.
   */
  readonly allowEngineTargets?: boolean;
  /** Task queues to lease from. Default: those of the executor config, in the connection's namespace. */
  readonly queues?: readonly QueueBinding[];
  /** Begins the name under which this dispatcher registers. Default: host name, process id and a random part. */
  readonly workerId?: string;
  /** Leases only tasks whose run has this compatibility marker. Default: none. */
  readonly buildId?: string;
  /** Tasks in flight at once, held polls included. Default 200. */
  readonly maxInFlight?: number;
  /** The same for one carrier. Default: an equal share. */
  readonly maxInFlightPerCarrier?: number;
  /** Polls held at once for one carrier of one task queue, when there is work: as many as there are free slots, up to this. Default 32; without work it is one, and two with work where one answer brings several tasks. */
  readonly maxPolls?: number;
  /** How long to ask the engine to hold a poll, in seconds. Default 30; newer engines are asked for 60 at most. */
  readonly pollSeconds?: number;
  /** How long a request to the engine may take, polls apart. Default 15,000. */
  readonly requestTimeoutMs?: number;
  /** How often to tell the engine that each registration is alive, in milliseconds. Default: as it asks for, else 30,000. */
  readonly workerHeartbeatMs?: number;
  /** How long a drain waits for tasks in flight. Default 25,000. */
  readonly drainMs?: number;
  /**
   * The largest answer of a carrier, before and after decompression. Default 8 MiB, and where the engine keeps large payloads,
   * as much as it keeps of one.
   */
  readonly responseLimitBytes?: number;
  /**
   * Bytes of large arguments and results that are in memory at once, half of it for each; what does not fit waits, with its
   * lease kept alive. One that is larger than that alone is let through alone. Default 128 MiB.
   */
  readonly payloadMemoryBytes?: number;
  /** Default: arguments are sent inside the request, and a carrier's own references are passed on to the engine. */
  readonly sharedStorage?: SharedStorage;
  /** How long connecting to a carrier may take. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long a task is held for a carrier that nothing can be sent to, since it is down or being restarted: its lease is kept,
   * and no attempt is spent. 0 leaves it to the carrier's `retry_policy`. Default: as long as lease and deadlines leave room.
   */
  readonly holdUnreachableMs?: number;
  /**
   * Whether a request whose connection broke before any of an answer came is sent once more. The carrier may have begun with it:
   * its handler then runs twice in one attempt. Default true; with false a broken connection costs the attempt.
   */
  readonly redeliverBroken?: boolean;
  /**
   * Whether HTTP carriers are asked for their manifests, by a GET, so that an engine that wants to know it is told what arguments
   * look like. The contract of carriers knows no GET: others' may not answer it. A list names those carriers of the executor config
   * that are asked, and no other is. `handlers` are not asked, and tell it anyway. Default false.
   */
  readonly askManifests?: boolean | readonly string[];
  /** Whether carriers in private networks and reserved ranges are refused too. Default false. */
  readonly denyPrivateNetworks?: boolean;
  /** Certificates in PEM that carriers' own must be signed by. Default: those that Node trusts. */
  readonly carrierCa?: string;
  readonly breaker?: BreakerLimits;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const OPTIONS: OptionNames<DispatcherOptions> = {
  config: true,
  configPath: true,
  configOverlay: true,
  knownHandlers: true,
  configCheckMs: true,
  connection: true,
  engine: true,
  handlers: true,
  environment: true,
  profilesPath: true,
  credentials: true,
  authorizers: true,
  allowEngineCommands: true,
  allowEngineTargets: true,
  queues: true,
  workerId: true,
  buildId: true,
  maxInFlight: true,
  maxInFlightPerCarrier: true,
  maxPolls: true,
  pollSeconds: true,
  requestTimeoutMs: true,
  workerHeartbeatMs: true,
  drainMs: true,
  responseLimitBytes: true,
  payloadMemoryBytes: true,
  sharedStorage: true,
  connectTimeoutMs: true,
  holdUnreachableMs: true,
  redeliverBroken: true,
  askManifests: true,
  denyPrivateNetworks: true,
  carrierCa: true,
  breaker: true,
  clock: true,
};

const SWITCHES = [
  "allowEngineCommands",
  "allowEngineTargets",
  "redeliverBroken",
  "denyPrivateNetworks",
] as const satisfies readonly (keyof DispatcherOptions)[];

/** The options that are numbers, each with its default and the least that makes sense. */
const NUMBERS = {
  configCheckMs: [2_000, 0],
  maxInFlight: [200, 1],
  maxPolls: [32, 1],
  pollSeconds: [30, 0],
  requestTimeoutMs: [15_000, 1],
  workerHeartbeatMs: [30_000, 1],
  drainMs: [25_000, 0],
  responseLimitBytes: [8 * 1024 * 1024, 1],
  payloadMemoryBytes: [128 * 1024 * 1024, 1],
  connectTimeoutMs: [10_000, 1],
  // For ever: lease and deadlines are the limit.
  holdUnreachableMs: [Number.MAX_SAFE_INTEGER, 0],
} as const;

export type ResolvedNumbers = Readonly<Record<keyof typeof NUMBERS, number>>;

/** The options, complete. */
export interface ResolvedOptions extends ResolvedNumbers {
  readonly given: DispatcherOptions;
  readonly environment: Environment;
  readonly maxInFlightPerCarrier: number | undefined;
  readonly denyPrivateNetworks: boolean;
  readonly credentials: Readonly<Record<string, LocalCredential>>;
  readonly authorizers: NonNullable<DispatcherOptions["authorizers"]>;
  readonly breaker: Required<BreakerLimits>;
  readonly configPath: string | undefined;
  readonly configOverlay: string | undefined;
  readonly clock: Clock;
}

/** @throws {TypeError} naming an option that cannot be used */
export function resolveOptions(options: DispatcherOptions): ResolvedOptions {
  checkOptionNames("createDispatcher", options, OPTIONS);
  checkSwitches(options, SWITCHES);
  const environment = options.environment ?? process.env;
  const numbers = Object.fromEntries(
    Object.entries(NUMBERS).map(([name, [standard, least]]) => [
      name,
      integer(name, options[name as keyof typeof NUMBERS] ?? standard, least),
    ]),
  ) as ResolvedNumbers;
  const { breaker = {}, credentials = {}, authorizers = {} } = options;
  checkOptionNames("breaker", breaker, { failures: true, firstPauseMs: true, longestPauseMs: true });
  checkQueues(options.queues);
  checkWorkerId(options.workerId);
  checkSharedStorage(options.sharedStorage);
  checkAskManifests(options.askManifests);
  checkCredentials(credentials);
  if (typeof authorizers !== "function") checkAuthorizers(authorizers, credentials);
  checkConnectionFlags(options.connection ?? {});
  checkEngine(options.engine);
  checkHandlers(options.handlers ?? {});
  return {
    ...numbers,
    given: options,
    environment,
    maxInFlightPerCarrier:
      options.maxInFlightPerCarrier === undefined
        ? undefined
        : integer("maxInFlightPerCarrier", options.maxInFlightPerCarrier, 1),
    denyPrivateNetworks: options.denyPrivateNetworks ?? false,
    credentials,
    authorizers,
    breaker: {
      failures: integer("breaker.failures", breaker.failures ?? 5, 1),
      firstPauseMs: integer("breaker.firstPauseMs", breaker.firstPauseMs ?? 200, 1),
      longestPauseMs: integer("breaker.longestPauseMs", breaker.longestPauseMs ?? 60_000, 1),
    },
    configPath: options.configPath ?? variable(environment, "DW_EXTERNAL_EXECUTOR_CONFIG_PATH"),
    configOverlay: options.configOverlay ?? variable(environment, "DW_EXTERNAL_EXECUTOR_CONFIG_OVERLAY"),
    clock: options.clock ?? systemClock,
  };
}

function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === "" ? undefined : value;
}

function integer(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) throw new TypeError(`${name} must be an integer >= ${least}`);
  return value;
}

function checkEngine(engine: InProcessEngine | undefined): void {
  if (engine !== undefined && typeof (engine as Partial<InProcessEngine> | null)?.answer !== "function") {
    throw new TypeError("engine must be an engine of this process, as createLocalEngine makes one");
  }
}

function checkHandlers(handlers: Readonly<Record<string, LocalCarrier>>): void {
  for (const [name, handler] of Object.entries(handlers)) {
    if (typeof (handler as Partial<LocalCarrier> | null)?.handle !== "function") {
      throw new TypeError(`handlers.${name} must be an InvocableHandler, with handle`);
    }
  }
}

function checkSharedStorage(sharedStorage: SharedStorage | undefined): void {
  if (sharedStorage === undefined) return;
  checkOptionNames("sharedStorage", sharedStorage, { driver: true, overBytes: true });
  const { driver, overBytes } = sharedStorage;
  integer("sharedStorage.overBytes", overBytes, 0);
  const given = driver as Partial<SharedStorage["driver"]> | undefined;
  if (typeof given?.put !== "function" || typeof given.get !== "function" || typeof given.scheme !== "string") {
    throw new TypeError("sharedStorage.driver must be a storage driver, with scheme, put and get");
  }
}

function checkAskManifests(asked: DispatcherOptions["askManifests"]): void {
  if (asked === undefined || typeof asked === "boolean") return;
  if (!Array.isArray(asked) || !asked.every((name) => typeof name === "string")) {
    throw new TypeError("askManifests must be true, false, or a list of names of carriers");
  }
}

function checkQueues(queues: readonly QueueBinding[] | undefined): void {
  if (queues !== undefined && queues.length === 0)
    throw new TypeError("queues must not be empty; leave it out instead");
  for (const queue of queues ?? []) {
    checkOptionNames("queues", queue, { namespace: true, taskQueue: true, activityTypes: true });
    const { taskQueue, activityTypes } = queue;
    if (typeof taskQueue !== "string" || taskQueue === "") {
      throw new TypeError("queues: each taskQueue must be a non-empty string");
    }
    if (activityTypes?.length === 0) {
      throw new TypeError("queues: activityTypes must not be empty; leave it out to take those of the config");
    }
  }
}

/** The fields of each kind of credential. */
const CREDENTIAL_FIELDS: ReadonlyMap<LocalCredential["type"], readonly string[]> = new Map([
  ["env", ["env"]],
  ["token_file", ["path"]],
  ["profile", ["profile"]],
  ["mtls", ["cert", "keyRef"]],
]);

/** One without its fields would be found out by the first task alone. */
function checkCredential(what: string, credential: LocalCredential): void {
  const fields = CREDENTIAL_FIELDS.get(credential.type);
  if (fields === undefined) {
    throw new TypeError(`${what}.type must be one of ${[...CREDENTIAL_FIELDS.keys()].join(", ")}`);
  }
  const names = Object.fromEntries(["type", "origins", ...fields].map((field) => [field, true]));
  checkOptionNames(what, credential, names as OptionNames<LocalCredential>);
  const given: Readonly<Record<string, unknown>> = credential;
  for (const field of fields) {
    const value = given[field];
    if (typeof value !== "string" || value.trim() === "") throw new TypeError(`${what}.${field} must be given`);
  }
  if (!Array.isArray(credential.origins) || credential.origins.length === 0) {
    throw new TypeError(`${what}.origins must name the origins that it may be sent to`);
  }
}

function checkCredentials(credentials: Readonly<Record<string, LocalCredential>>): void {
  for (const [name, credential] of Object.entries(credentials)) {
    checkCredential(`credentials.${name}`, credential);
    checkOrigins(`credentials.${name}.origins`, credential.origins);
  }
}
