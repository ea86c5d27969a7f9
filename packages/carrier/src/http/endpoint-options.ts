import type { ContextKey } from "../activity/context-values.js";
import type { InvocableActivityHandlerOptions } from "../activity/handler-options.js";
import { HANDLER_OPTION_NAMES } from "../activity/handler-options.js";
import type { InvocableHandler } from "../activity/invocable-handler.js";
import { guardLogger, type Logger } from "../activity/logger.js";
import { BOOLEAN, COUNT, FUNCTION, isFunction, knownOptions, type OptionNames } from "../protocol/options.js";
import type { InvocableAuthGate } from "./auth.js";
import type { InvocableHttpResponse, InvocableRequestHead } from "./message.js";

/** 8 MiB: four payloads at the server's default limit. */
export const DEFAULT_BODY_LIMIT_BYTES = 8 * 1024 * 1024;
/** 32 MiB: a body in memory is up to some three times its size, its decoded arguments not counted. */
export const DEFAULT_CONCURRENT_BODY_BYTES = 4 * DEFAULT_BODY_LIMIT_BYTES;
export const DEFAULT_CONCURRENT_TASKS = 1000;

/** What answers a `GET` that asks for the activity types, once the gate has let it in; undefined for one that asks for something else. */
export type ActivityManifest = (
  headers: InvocableRequestHead["headers"],
  handler: InvocableHandler,
) => (() => InvocableHttpResponse) | undefined;

/** Options of an endpoint: those of the handler, and those of HTTP. */
export interface InvocableHttpOptions extends InvocableActivityHandlerOptions {
  /**
   * Who may send tasks. Default: everybody who can reach the endpoint, but no browser (requests that carry an `Origin`
   * header get 403). An endpoint that others can reach needs one.
   */
  readonly auth?: InvocableAuthGate;
  /**
   * The largest request body; a larger one gets 413. Counted in bytes, and where a platform hands over text (Lambda) in
   * UTF-16 code units; where something before the adapter has parsed it, as `Content-Length` has it, else as its JSON.
   * Default 8 MiB.
   */
  readonly bodyLimitBytes?: number;
  /**
   * The most tasks at once, from the first byte of their body to their answer; one more gets 503 with `Retry-After`.
   * Default 1000.
   */
  readonly maxConcurrentTasks?: number;
  /**
   * The most bytes of request bodies at once, from the first byte that is read to the task's answer, and 64 for each value
   * that is parsed from them outside of payloads; a body that there is
   * no room for gets 503 with `Retry-After`. At least `bodyLimitBytes`. Default 32 MiB, or `bodyLimitBytes` where that is
   * more.
   */
  readonly maxConcurrentBodyBytes?: number;
  /**
   * Whether GET and HEAD answer `{"status":"ok","carrier":...}`, without asking the gate; 503 and `"stopping"` once the
   * handler was shut down. Default false: 405.
   */
  readonly health?: boolean;
  /**
   * Lets `dw-carrier dev URL` ask which activity types there are: `activityManifest()` of `/manifest`. The gate is asked
   * first. Default: nobody is told.
   */
  readonly manifest?: ActivityManifest | undefined;
}

/** What every adapter takes. `Given` is what its platform calls the carrier with. */
export interface AdapterOptions<Given extends readonly unknown[]> extends InvocableHttpOptions {
  /**
   * A key under which activities find what the platform called the carrier with, as a tuple: the request (its body is used
   * up) and, where there are such, the platform's environment and context. Default: activities see none of it.
   *
   * ```ts
   * const worker = createContextKey<[request: Request, env: Env, ctx: ExecutionContext] | undefined>(undefined);
   * // in an activity
   * const [, env, ctx] = context.get(worker) ?? [];
   * ```
   */
  readonly platform?: ContextKey<Given | undefined> | undefined;
}

/** Those of every adapter: an endpoint passes over `platform`, which is for whoever calls it. */
export const HTTP_OPTION_NAMES: OptionNames<AdapterOptions<readonly unknown[]>> = {
  ...HANDLER_OPTION_NAMES,
  // An undefined secret must not open the door.
  auth: [isFunction, "a function, as of bearerToken(token), or be left out", true],
  bodyLimitBytes: COUNT,
  maxConcurrentTasks: COUNT,
  maxConcurrentBodyBytes: COUNT,
  health: BOOLEAN,
  manifest: FUNCTION,
  platform: [(value) => typeof (value as { id?: unknown } | null)?.id === "symbol", "a key of createContextKey"],
};

/** The options of the endpoint itself, complete. */
export interface EndpointSettings {
  readonly auth?: InvocableAuthGate;
  readonly bodyLimitBytes: number;
  readonly maxConcurrentTasks: number;
  readonly maxConcurrentBodyBytes: number;
  readonly health?: boolean;
  readonly manifest?: ActivityManifest | undefined;
  readonly logger: Logger;
}

/** @throws {TypeError} naming the option that makes no sense */
export function resolveHttpOptions(given: AdapterOptions<readonly unknown[]> | undefined): EndpointSettings {
  const options = knownOptions(given, HTTP_OPTION_NAMES, "an invocable endpoint", {
    bodyLimitBytes: DEFAULT_BODY_LIMIT_BYTES,
    maxConcurrentTasks: DEFAULT_CONCURRENT_TASKS,
  });
  const { bodyLimitBytes, logger } = options;
  const { maxConcurrentBodyBytes = Math.max(DEFAULT_CONCURRENT_BODY_BYTES, bodyLimitBytes) } = options;
  if (maxConcurrentBodyBytes < bodyLimitBytes) {
    throw new TypeError("maxConcurrentBodyBytes must be at least bodyLimitBytes");
  }
  return { ...options, maxConcurrentBodyBytes, logger: guardLogger(logger) };
}

/** The part of the options that is the handler's. */
export function handlerOptions(options: InvocableHttpOptions = {}): InvocableActivityHandlerOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(HANDLER_OPTION_NAMES, name)));
}
