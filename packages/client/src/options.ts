import type { Clock } from "@durable-workflow/carrier";
import type { StartDefaults } from "@durable-workflow/carrier/contract";
import { checkOptionNames, type OptionNames, readToken } from "@durable-workflow/engine-protocol";
import { systemClock } from "./clock.js";
import type { ClientInterceptor } from "./interceptor.js";
import { checkDefaults } from "./start/request.js";
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

const OPTION_NAMES: OptionNames<ClientOptions> = {
  serverUrl: true,
  token: true,
  namespace: true,
  transport: true,
  defaults: true,
  interceptors: true,
  clock: true,
  requestTimeoutMs: true,
  maxConcurrentRequests: true,
};

const DEFAULT_CONCURRENCY = 16;
const LONGEST_MS = 2 ** 31 - 1;

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
  checkOptionNames("createClient", options, OPTION_NAMES);
  const {
    namespace = "default",
    defaults,
    interceptors = [],
    clock = systemClock,
    requestTimeoutMs = 15_000,
  } = options;
  const serverUrl = readServerUrl(options.serverUrl);
  const token = readTokenOption(options.token);
  if (readToken(namespace).token !== namespace) {
    throw new TypeError("namespace must be a non-empty text of visible ASCII characters");
  }
  if (defaults !== undefined) checkDefaults("defaults", defaults);
  if (!Array.isArray(interceptors) || !interceptors.every((one) => typeof one === "function")) {
    throw new TypeError("interceptors must be a list of functions (request, next) => next(request)");
  }
  if (!(typeof requestTimeoutMs === "number" && requestTimeoutMs >= 1 && requestTimeoutMs <= LONGEST_MS)) {
    throw new TypeError(`requestTimeoutMs must be a number from 1 to ${LONGEST_MS}`);
  }
  const { transport = defaultTransport() } = options;
  if (typeof (transport as Partial<Transport> | null)?.send !== "function") {
    throw new TypeError("transport must be an object with a method send");
  }
  const { maxConcurrentRequests = transport.maxConcurrentRequests ?? DEFAULT_CONCURRENCY } = options;
  if (!Number.isSafeInteger(maxConcurrentRequests) || maxConcurrentRequests < 1) {
    throw new TypeError("maxConcurrentRequests must be an integer >= 1");
  }
  return {
    serverUrl,
    token,
    namespace,
    transport,
    defaults,
    interceptors,
    clock,
    requestTimeoutMs,
    maxConcurrentRequests,
  };
}

function readServerUrl(given: unknown): string {
  let url: URL | undefined;
  try {
    url = new URL(given as string);
  } catch {
    // Said below.
  }
  const isFit =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  if (url === undefined || !isFit) {
    throw new TypeError(
      "serverUrl must be an http or https URL without user name, password, query and fragment, as in https://engine.example.com",
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  if (path.endsWith("/api")) throw new TypeError("serverUrl must not end in /api: the client adds it");
  return url.origin + path;
}

function readTokenOption(given: ClientOptions["token"]): ClientOptions["token"] {
  if (given === undefined || typeof given === "function") return given;
  const { token } = readToken(given);
  if (token !== undefined) return token;
  throw new TypeError("token must be a text of visible ASCII characters, or a function that returns one");
}
