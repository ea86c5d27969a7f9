import { LONG_POLL_SECONDS } from "@durable-workflow/engine-protocol";
import type { Clock } from "./clock.js";
import { systemClock } from "./clock.js";
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

export interface LocalEngineOptions {
  /** Path of the SQLite file, created if need be (its folder is not), or `":memory:"`: gone when the engine is closed. */
  readonly file: string;
  /** Default: none, everybody who can reach the engine may do everything; it then listens on loopback only. */
  readonly auth?: TokenOptions;
  /** Names of 1 to 128 lower-case letters, digits, `.`, `_`, `-`. `default` is always there. Ones used before stay. */
  readonly namespaces?: readonly string[];
  /** How long a worker may be silent before its task is given to another. Default 300. */
  readonly leaseSeconds?: number;
  /** The longest that a poll waits for a task. Default 30. */
  readonly longPollSeconds?: number;
  /** Polls that may wait at the same time; more are answered 429. Default 10,000. */
  readonly maxWaitingPolls?: number;
  /** Largest request body. Default 2,097,152. */
  readonly maxBodyBytes?: number;
  /** Closed runs are removed so many seconds after they closed. Default: never. */
  readonly retentionSeconds?: number;
  /** Config file that maps activities to carriers; read again whenever it changes. Its mapping goes with each task. */
  readonly externalExecutorConfig?: { readonly path: string; readonly overlay?: string };
  /**
   * What is checked when the file is opened: `quick` (default) reads every page, `full` compares indexes with tables too,
   * `off` trusts it.
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
  readonly longPollSeconds: number;
  readonly maxWaitingPolls: number;
  readonly maxBodyBytes: number;
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
const CHECKS = new Set<unknown>(["quick", "full", "off"]);
const nothing = (): void => {};
const silent: Logger = { info: nothing, warn: nothing, error: nothing };

/** @throws {TypeError} naming the option and the fix */
export function resolveOptions(options: LocalEngineOptions): ResolvedOptions {
  const { file } = options;
  if (typeof file !== "string" || file === "") throw new TypeError('file must be a path, or ":memory:"');
  // The driver would take it for the address of a server.
  if (URL_LIKE.test(file))
    throw new TypeError(`file must be a path, not a URL; for a file of that name write ./${file}`);
  const namespaces = options.namespaces ?? [];
  for (const name of namespaces) {
    if (typeof name !== "string" || !NAMESPACE_NAME.test(name)) {
      throw new TypeError(
        `namespaces must be names of lower-case letters, digits, ".", "_", "-"; not ${JSON.stringify(name)}`,
      );
    }
  }
  const integrityCheck = options.integrityCheck ?? "quick";
  if (!CHECKS.has(integrityCheck)) throw new TypeError('integrityCheck must be "quick", "full" or "off"');
  const { externalExecutorConfig } = options;
  if (externalExecutorConfig !== undefined && typeof externalExecutorConfig.path !== "string") {
    throw new TypeError("externalExecutorConfig.path must be the path of a config file");
  }
  return {
    file,
    auth: readTokens(options.auth ?? {}),
    namespaces: [DEFAULT_NAMESPACE, ...namespaces],
    leaseSeconds: whole("leaseSeconds", options.leaseSeconds ?? 300, 1, 86_400),
    longPollSeconds: whole(
      "longPollSeconds",
      options.longPollSeconds ?? LONG_POLL_SECONDS.default,
      0,
      LONG_POLL_SECONDS.most,
    ),
    maxWaitingPolls: whole("maxWaitingPolls", options.maxWaitingPolls ?? 10_000, 0, 1_000_000),
    maxBodyBytes: whole("maxBodyBytes", options.maxBodyBytes ?? 2_097_152, 1024, 268_435_456),
    retentionSeconds:
      options.retentionSeconds === undefined
        ? undefined
        : whole("retentionSeconds", options.retentionSeconds, 0, 3_153_600_000),
    externalExecutorConfig,
    integrityCheck,
    maxCommitBatch: whole("maxCommitBatch", options.maxCommitBatch ?? 256, 1, 100_000),
    serverId: options.serverId ?? "local-engine",
    logger: options.logger ?? silent,
    clock: options.clock ?? systemClock,
  };
}

function whole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`${name} must be a whole number from ${least} to ${most}, not ${String(value)}`);
  }
  return value;
}

function readTokens(auth: TokenOptions): TokenOptions {
  const seen = new Set<string>();
  for (const name of ["token", "workerToken", "operatorToken", "adminToken"] as const) {
    const value: unknown = auth[name];
    if (value === undefined) continue;
    if (typeof value !== "string" || value === "" || /\s/.test(value)) {
      throw new TypeError(`auth.${name} must be text without spaces, and not empty; leave it out to have none`);
    }
    if (seen.has(value)) throw new TypeError(`auth.${name} is also the token of another role; give each role its own`);
    seen.add(value);
  }
  return { ...auth };
}
