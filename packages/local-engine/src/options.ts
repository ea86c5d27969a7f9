import { resolve as resolvePath } from "node:path";
import { LONG_POLL_SECONDS } from "@durable-workflow/engine-protocol";
import type { Clock } from "./clock.js";
import { systemClock } from "./clock.js";
import { isDots } from "./http/fields.js";
import type { Site } from "./http/site.js";
import { readFunctions, readNames, readText, readWhole } from "./option-reader.js";
import {
  PAYLOAD_OPTION_NAMES,
  type PayloadOptions,
  type ResolvedPayloadOptions,
  resolvePayloadOptions,
} from "./payload-options.js";
import type { IntegrityCheck } from "./store/connection.js";

/** Where the engine reports what no response can say; pino, winston and console fit. */
export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * Bearer tokens, by role. Workers register, poll and report; operators start, read and stop activities; admins do that,
 * and run passes. Roles do not include each other. Only `token`: it may do everything; beside role tokens it is an
 * admin's.
 */
export interface TokenOptions {
  readonly token?: string;
  readonly workerToken?: string;
  readonly operatorToken?: string;
  readonly adminToken?: string;
}

/** Options of `createLocalEngine`. */
export interface LocalEngineOptions {
  /** Path of the SQLite file, created if need be (its folder is not), or `":memory:"`: gone when the engine is closed. */
  readonly file: string;
  /** Default: none, everybody who can reach the engine may do everything; it then listens on loopback only. */
  readonly auth?: TokenOptions;
  /** Names of 1 to 128 lower-case letters, digits, `.`, `_`, `-`. `default` is always there. Ones used before stay. */
  readonly namespaces?: readonly string[];
  /** How long a worker may be silent before its task is given to another. Default 300. */
  readonly leaseSeconds?: number;
  /**
   * The same for workers that say, when they register, that they renew their leases (capability `short_activity_leases`), as the
   * dispatcher and the worker of this project do; `leaseSeconds` where that is less. Default 30.
   */
  readonly shortLeaseSeconds?: number;
  /**
   * How often the lease of a run may run out without that counting against its `max_attempts`. After that it is a failed
   * attempt of the type `LeaseExpired`. Default 3. The server has no such limit, and redelivers without end.
   */
  readonly freeRedeliveries?: number;
  /** The longest that a poll waits for a task. Default 30. */
  readonly longPollSeconds?: number;
  /** Polls that may wait at the same time; more are answered 429. Default 10,000. */
  readonly maxWaitingPolls?: number;
  /** Readers of `GET /api/events` at the same time; more are answered 503. Default 1,000. */
  readonly maxEventReaders?: number;
  /** Largest request body. Default 2,097,152. */
  readonly maxBodyBytes?: number;
  /** Large payloads, which clients and workers upload. Default: files beside the database. */
  readonly payloads?: PayloadOptions;
  /** Closed runs are removed so many seconds after they closed. Default: never. */
  readonly retentionSeconds?: number;
  /** Config file that maps activities to carriers; read again whenever it changes. Its mapping goes with each task. */
  readonly externalExecutorConfig?: { readonly path: string; readonly overlay?: string };
  /**
   * What is checked when the file is opened: `quick` reads every page, `full` compares indexes with tables too, `off` trusts it.
   * `auto` (default) is `quick` for files of up to 256 MiB, so that larger ones are opened as fast, and `off` for those.
   */
  readonly integrityCheck?: IntegrityCheck;
  /** Most operations that share one flush to disk. Default 256; 1 flushes for each, and is there to measure that. */
  readonly maxCommitBatch?: number;
  /** Named in `GET /api/cluster/info`. Default `local-engine`. */
  readonly serverId?: string;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Time, for tests. Default: the system's. */
  readonly clock?: Clock;
}

export interface ResolvedOptions {
  readonly file: string;
  readonly auth: TokenOptions;
  readonly namespaces: readonly string[];
  readonly leaseSeconds: number;
  readonly shortLeaseSeconds: number;
  readonly freeRedeliveries: number;
  readonly longPollSeconds: number;
  readonly maxWaitingPolls: number;
  readonly maxEventReaders: number;
  readonly maxBodyBytes: number;
  readonly payloads: ResolvedPayloadOptions;
  readonly retentionSeconds: number | undefined;
  readonly externalExecutorConfig: { readonly path: string; readonly overlay?: string } | undefined;
  readonly integrityCheck: IntegrityCheck;
  readonly maxCommitBatch: number;
  readonly serverId: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

export const DEFAULT_NAMESPACE = "default";

const URL_LIKE = /^[a-z][a-z0-9+.-]+:/i;
const NAMESPACE_NAME = /^[a-z0-9._-]{1,128}$/;
const CHECKS = new Set<unknown>(["auto", "quick", "full", "off"]);
const nothing = (): void => {};
const silent: Logger = { info: nothing, warn: nothing, error: nothing };

/** Every option, and those of the options that are objects. */
export const OPTION_NAMES = {
  "": [
    "file",
    "auth",
    "namespaces",
    "leaseSeconds",
    "shortLeaseSeconds",
    "freeRedeliveries",
    "longPollSeconds",
    "maxWaitingPolls",
    "maxEventReaders",
    "maxBodyBytes",
    "payloads",
    "retentionSeconds",
    "externalExecutorConfig",
    "integrityCheck",
    "maxCommitBatch",
    "serverId",
    "logger",
    "clock",
  ],
  auth: ["token", "workerToken", "operatorToken", "adminToken"],
  payloads: PAYLOAD_OPTION_NAMES,
  externalExecutorConfig: ["path", "overlay"],
  listen: ["host", "port", "site"],
  backup: ["overwrite"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** @throws {TypeError} naming the option and the fix */
export function resolveOptions(options: LocalEngineOptions): ResolvedOptions {
  readNames(options, "", OPTION_NAMES[""]);
  const file = readText("file", options.file, 'a path, or ":memory:"');
  // The driver would take it for the address of a server.
  if (URL_LIKE.test(file))
    throw new TypeError(`file must be a path, not a URL; for a file of that name write ./${file}`);
  const integrityCheck = options.integrityCheck ?? "auto";
  if (!CHECKS.has(integrityCheck)) throw new TypeError('integrityCheck must be "auto", "quick", "full" or "off"');
  return {
    file,
    auth: options.auth === undefined ? {} : readTokens(options.auth),
    namespaces: [DEFAULT_NAMESPACE, ...readNamespaces(options.namespaces ?? [])],
    leaseSeconds: readWhole("leaseSeconds", options.leaseSeconds ?? 300, 1, 86_400),
    shortLeaseSeconds: readWhole("shortLeaseSeconds", options.shortLeaseSeconds ?? 30, 1, 86_400),
    freeRedeliveries: readWhole("freeRedeliveries", options.freeRedeliveries ?? 3, 0, 1_000_000),
    longPollSeconds: readWhole(
      "longPollSeconds",
      options.longPollSeconds ?? LONG_POLL_SECONDS.default,
      0,
      LONG_POLL_SECONDS.most,
    ),
    maxWaitingPolls: readWhole("maxWaitingPolls", options.maxWaitingPolls ?? 10_000, 0, 1_000_000),
    maxEventReaders: readWhole("maxEventReaders", options.maxEventReaders ?? 1000, 0, 100_000),
    maxBodyBytes: readWhole("maxBodyBytes", options.maxBodyBytes ?? 2_097_152, 1024, 268_435_456),
    payloads: resolvePayloadOptions(options.payloads, file === ":memory:"),
    retentionSeconds:
      options.retentionSeconds === undefined
        ? undefined
        : readWhole("retentionSeconds", options.retentionSeconds, 0, 3_153_600_000),
    externalExecutorConfig: readExecutorConfig(options.externalExecutorConfig),
    integrityCheck,
    maxCommitBatch: readWhole("maxCommitBatch", options.maxCommitBatch ?? 256, 1, 100_000),
    serverId: readText("serverId", options.serverId ?? "local-engine", "text that is not empty"),
    logger: readFunctions("logger", options.logger ?? silent, ["info", "warn", "error"]),
    clock: readFunctions("clock", options.clock ?? systemClock, ["now", "schedule"]),
  };
}

function readNamespaces(namespaces: unknown): readonly string[] {
  if (!Array.isArray(namespaces)) throw new TypeError("namespaces must be a list of names");
  for (const name of namespaces as unknown[]) {
    // "." and ".." could not be asked for: clients take them out of a path.
    if (typeof name !== "string" || !NAMESPACE_NAME.test(name) || isDots(name)) {
      throw new TypeError(
        `namespaces must be names of lower-case letters, digits, ".", "_", "-"; not ${JSON.stringify(name)}`,
      );
    }
  }
  return namespaces as string[];
}

function readExecutorConfig(given: unknown): ResolvedOptions["externalExecutorConfig"] {
  if (given === undefined) return undefined;
  const config = readNames(given, "externalExecutorConfig", OPTION_NAMES.externalExecutorConfig);
  const path = readText("externalExecutorConfig.path", config["path"], "the path of a config file");
  if (config["overlay"] === undefined) return { path };
  return { path, overlay: readText("externalExecutorConfig.overlay", config["overlay"], "the name of an overlay") };
}

function readTokens(given: unknown): TokenOptions {
  const auth = readNames(given, "auth", OPTION_NAMES.auth);
  const tokens: Record<string, string> = {};
  for (const name of OPTION_NAMES.auth) {
    const value = auth[name];
    if (value === undefined) continue;
    if (typeof value !== "string" || value === "" || /\s/.test(value)) {
      throw new TypeError(`auth.${name} must be text without spaces, and not empty; leave it out to have none`);
    }
    if (Object.values(tokens).includes(value)) {
      throw new TypeError(`auth.${name} is also the token of another role; give each role its own`);
    }
    tokens[name] = value;
  }
  if (Object.keys(tokens).length === 0) {
    throw new TypeError(
      `auth has no token: set at least one of ${OPTION_NAMES.auth.join(", ")}, or leave auth out for an engine that is open to everybody on this machine`,
    );
  }
  return tokens;
}

/** @throws {TypeError} naming the option and the fix */
export function readListen(given: unknown): {
  readonly host: string;
  readonly port: number;
  readonly site: Site | undefined;
} {
  const { host, port, site } = readNames(given, "listen", OPTION_NAMES.listen);
  return {
    host: readText("listen.host", host ?? "127.0.0.1", "a host name or an address"),
    port: readWhole("listen.port", port ?? 0, 0, 65_535),
    site: readSite(site),
  };
}

function readSite(given: unknown): Site | undefined {
  if (given === undefined || typeof given === "function") return given as Site | undefined;
  throw new TypeError("listen.site must be a function of a request and a response");
}

/** @throws {TypeError} naming the option and the fix */
export function readBackup(target: unknown, given: unknown, own: string): { readonly overwrite: boolean } {
  const path = readText("the file of a backup", target, "a path");
  if (URL_LIKE.test(path) || path === ":memory:") throw new TypeError("the file of a backup must be a path");
  if (own !== ":memory:" && resolvePath(path) === resolvePath(own)) {
    throw new TypeError("the file of a backup must not be the engine's own");
  }
  const { overwrite = false } = readNames(given, "backup", OPTION_NAMES.backup);
  if (typeof overwrite !== "boolean") throw new TypeError("backup.overwrite must be true or false");
  return { overwrite };
}
