import type { Clock } from "@durable-workflow/carrier";
import type { StartDefaults } from "@durable-workflow/carrier/contract";
import { readToken } from "@durable-workflow/engine-protocol";
import { check, integer, must, type Rule, type Rules } from "./check.js";
import { systemClock } from "./clock.js";
import type { ClientInterceptor } from "./interceptor.js";
import { checkDefaults } from "./start/request.js";
import { LONGEST_DELAY_MS } from "./time-limits.js";
import type { Transport } from "./transport/transport.js";

/** Where the engine of a client is, and how the client talks to it. */
export interface ClientOptions {
  /** Where the engine is: `https://engine.example.com`, with a path when its API lies below one, and without `/api`. */
  readonly serverUrl: string;
  /** An operator's token, or an administrator's. A function is asked for each request, and once more after a 401. Default: none. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Default `default`. */
  readonly namespace?: string | undefined;
  /** Default: connections that are kept over `node:http` on Node, `fetch` elsewhere. Closed with the client. */
  readonly transport?: Transport | undefined;
  /** For every start; what the contract and the start say counts before it. */
  readonly defaults?: StartDefaults | undefined;
  /** Around every request, the first outermost. */
  readonly interceptors?: readonly ClientInterceptor[] | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** For one try, to the last byte; a call takes at most three times as long. In milliseconds. Default 15000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Requests under way at once; others wait for their turn, and waiting for results takes at most three quarters. Default: as the transport has it. */
  readonly maxConcurrentRequests?: number | undefined;
}

const DEFAULT_CONCURRENCY = 16;

const isFunction = (value: unknown): boolean => typeof value === "function";

const RULES: Rules<ClientOptions> = {
  serverUrl: [
    isServerUrl,
    "an http or https URL without credentials, query, fragment and /api, as in https://engine.example.com",
  ],
  token: [
    (value) => isFunction(value) || readToken(value as string).token !== undefined,
    "a text of visible ASCII characters, or a function that returns one",
  ],
  namespace: [(value) => readToken(value as string).token === value, "a text of visible ASCII characters"],
  transport: [(value) => isFunction((value as Partial<Transport> | null)?.send), "an object with a method send"],
  defaults: true,
  interceptors: [(value) => Array.isArray(value) && value.every(isFunction), "a list of functions (request, next)"],
  clock: true,
  requestTimeoutMs: [
    (value) => typeof value === "number" && value >= 1 && value <= LONGEST_DELAY_MS,
    `a number from 1 to ${LONGEST_DELAY_MS}`,
  ],
  maxConcurrentRequests: integer(1),
};

export interface SettledOptions {
  readonly serverUrl: string;
  readonly token: ClientOptions["token"];
  readonly namespace: string;
  readonly transport: Transport;
  readonly defaults: StartDefaults | undefined;
  readonly interceptors: readonly ClientInterceptor[];
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly maxConcurrentRequests: number;
}

/** @throws {TypeError} that names the option */
export function settleOptions(options: ClientOptions, defaultTransport: () => Transport): SettledOptions {
  check("createClient", options, RULES);
  must("serverUrl", options.serverUrl, RULES.serverUrl as Rule);
  const {
    token,
    namespace = "default",
    transport = defaultTransport(),
    defaults,
    interceptors = [],
    clock = systemClock,
    requestTimeoutMs = 15_000,
    maxConcurrentRequests = transport.maxConcurrentRequests ?? DEFAULT_CONCURRENCY,
  } = options;
  must("maxConcurrentRequests", maxConcurrentRequests, RULES.maxConcurrentRequests as Rule);
  if (defaults !== undefined) checkDefaults(defaults);
  const { origin, pathname } = new URL(options.serverUrl);
  return {
    serverUrl: origin + pathname.replace(/\/+$/, ""),
    token: typeof token === "string" ? readToken(token).token : token,
    namespace,
    transport,
    defaults,
    interceptors,
    clock,
    requestTimeoutMs,
    maxConcurrentRequests,
  };
}

function isServerUrl(given: unknown): boolean {
  if (!URL.canParse(given as string)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(given as string);
  return /^https?:$/.test(protocol) && !/\/api\/*$/.test(pathname) && username + password + search + hash === "";
}
