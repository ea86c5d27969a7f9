import type { SecureContextOptions } from "node:tls";
import type { InvocableAuthGate } from "../http/auth.js";
import { type AdapterOptions, HTTP_OPTION_NAMES } from "../http/endpoint-options.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { NodeRequest, NodeResponse } from "./types.js";

/** Load balancers keep idle connections for 60 seconds, and must be the first to close them. */
export const DEFAULT_KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** How much longer than an idle connection is kept the head of a request may take. */
const HEAD_MS = 10_000;
const MOST_MS = 2 ** 31 - 1;

/** A request that was answered, but not as a task. */
export interface RefusedRequest {
  /** The answer's status: never 200. */
  readonly status: number;
  readonly method: string;
}

/** How a server is told to stop, and what it does then. */
export interface CloseOptions {
  /**
   * How long tasks are still taken, in milliseconds, while health requests are answered 503: as long as whoever sends tasks
   * needs to find out. Default 5000, and 0 for SIGINT.
   */
  readonly lingerMs?: number | undefined;
  /** How long tasks that run may then go on, in milliseconds, before they end as retryable failures. Default 10000. */
  readonly graceMs?: number | undefined;
}

export interface ServeOptions extends AdapterOptions<[request: NodeRequest, response: NodeResponse]>, CloseOptions {
  /** The address to listen on. One that others can reach needs `auth`. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** The port, 0 for a free one. Default 8787. */
  readonly port?: number | undefined;
  /** Whether to listen where others can reach it although there is no `auth`. Default false. */
  readonly insecure?: boolean | undefined;
  /** Key and certificate, as `node:tls` takes them: the server then speaks HTTPS, and nothing else. Default: HTTP. */
  readonly tls?: SecureContextOptions | undefined;
  /** How long a connection without a request is kept, in milliseconds. Default 75000, above the 60 seconds of load balancers. */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** How long a request may take to arrive, head and body, in milliseconds. Default 300000. */
  readonly requestTimeoutMs?: number | undefined;
  /** The most bytes of a request's head; more gets 431. Default 16384. */
  readonly maxHeaderBytes?: number | undefined;
  /**
   * Whether SIGTERM and SIGINT close the server; a second one then ends the process, as it would without. Default true.
   */
  readonly signals?: boolean | undefined;
  /**
   * Told of each request that was answered with another status than 200, but for health requests while the server closes. What
   * it throws is passed over. Default: nobody is.
   */
  readonly onRefusal?: ((refused: RefusedRequest) => void) | undefined;
}

/** The options of the server itself, complete. */
export interface ServeSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: SecureContextOptions | undefined;
  readonly keepAliveTimeout: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly maxHeaderSize: number;
  readonly signals: boolean;
  readonly onRefusal: ServeOptions["onRefusal"];
  readonly lingerMs: number;
  readonly graceMs: number;
}

const SERVE_OPTION_NAMES: OptionNames<ServeOptions> = {
  ...HTTP_OPTION_NAMES,
  host: true,
  port: true,
  insecure: true,
  tls: true,
  keepAliveTimeoutMs: true,
  requestTimeoutMs: true,
  maxHeaderBytes: true,
  signals: true,
  onRefusal: true,
  lingerMs: true,
  graceMs: true,
};

/**
 * The server's options, and what is left for its endpoint.
 *
 * @throws {TypeError} naming the option that makes no sense
 */
export function resolveServeOptions(given: ServeOptions | undefined): {
  readonly settings: ServeSettings;
  readonly rest: AdapterOptions<[request: NodeRequest, response: NodeResponse]>;
} {
  const known = knownOptions(given, SERVE_OPTION_NAMES, "serve");
  const { host = "127.0.0.1", port = 8787, insecure = false, tls, signals = true, ...others } = known;
  const {
    keepAliveTimeoutMs = DEFAULT_KEEP_ALIVE_TIMEOUT_MS,
    requestTimeoutMs = 300_000,
    maxHeaderBytes = 16_384,
    onRefusal,
    ...closing
  } = others;
  const { lingerMs = 5000, graceMs = 10_000, ...rest } = closing;
  if (typeof host !== "string" || host === "") throw new TypeError("host must be an address to listen on");
  for (const [name, value] of Object.entries({ insecure, signals })) {
    if (typeof value !== "boolean") throw new TypeError(`${name} must be a boolean`);
  }
  if (onRefusal !== undefined && typeof onRefusal !== "function") throw new TypeError("onRefusal must be a function");
  if (tls !== undefined && (typeof tls !== "object" || tls === null)) {
    throw new TypeError("tls must be an object with key and cert, or be left out");
  }
  requireInteger("port", port, 0, 65_535);
  requireInteger("maxHeaderBytes", maxHeaderBytes, 1024, 2 ** 24);
  requireInteger("keepAliveTimeoutMs", keepAliveTimeoutMs, 1, MOST_MS - HEAD_MS);
  requireInteger("requestTimeoutMs", requestTimeoutMs, 1, MOST_MS);
  requireInteger("lingerMs", lingerMs, 0, MOST_MS);
  requireInteger("graceMs", graceMs, 0, MOST_MS);
  requireGate(host, rest.auth, insecure);
  const headersTimeout = keepAliveTimeoutMs + HEAD_MS;
  return {
    settings: {
      host,
      port,
      tls,
      keepAliveTimeout: keepAliveTimeoutMs,
      headersTimeout,
      requestTimeout: Math.max(requestTimeoutMs, headersTimeout),
      maxHeaderSize: maxHeaderBytes,
      signals,
      onRefusal,
      lingerMs,
      graceMs,
    },
    rest,
  };
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new TypeError(`${name} must be an integer from ${least} to ${most}, got ${String(value)}`);
}

/** @throws {TypeError} for an address that others can reach, where everybody may send tasks */
function requireGate(host: string, auth: InvocableAuthGate | undefined, insecure: boolean): void {
  if (auth !== undefined || insecure || isLoopback(host)) return;
  throw new TypeError(
    `${host} can be reached by others, and without auth they could run the activities: give auth: bearerToken(token), listen on 127.0.0.1, or say insecure: true`,
  );
}

/** Whether only this machine reaches an address to listen on. Names other than `localhost` count as reachable. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return bare === "localhost" || bare === "::1" || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(bare);
}
