import {
  type HeartbeatAnswer,
  heartbeatReason,
  heartbeatRequest,
  parseHeartbeatAnswer,
} from "../../protocol/heartbeat.js";
import {
  isHeartbeatEndpointError,
  parseServerUrl,
  resolveHeartbeatEndpoint,
} from "../../protocol/heartbeat-endpoint.js";
import type { HeartbeatProgress } from "../../protocol/heartbeat-progress.js";
import { knownOptions, type OptionNames } from "../../protocol/options.js";
import { systemClock } from "../clock.js";
import { type Heartbeat, HeartbeatError, type HeartbeatSender } from "./heartbeat-sender.js";

/** Every engine takes this: those that know a later minor version too. */
const PROTOCOL_VERSION = "1.0";
const ANSWER_LIMIT_BYTES = 65_536;
const LONGEST_RETRY_AFTER_MS = 60_000;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
/** What a header can carry, without white space. */
const HEADER_VALUE = /^[!-~]+$/;

/** Where and how an `EngineHeartbeatSender` sends. */
export interface EngineHeartbeatOptions {
  /**
   * Where the engine is: `https://engine.example.com`, with a path when its API lies below one. Heartbeats go nowhere
   * else, whatever a task says. Plain http is taken, as engines run in private networks: the token can then be read on
   * the way.
   */
  readonly serverUrl: string;
  /** A worker token of the engine. A function is asked for each heartbeat; what it throws fails that heartbeat only. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: the engine's own default. */
  readonly namespace?: string | undefined;
  /** How long one request may take, its token and the answer's body included. Default 10000. */
  readonly timeoutMs?: number | undefined;
  /** Default: the global one, looked up when a heartbeat is sent. */
  readonly fetch?: HeartbeatFetch | undefined;
}

const OPTION_NAMES: OptionNames<EngineHeartbeatOptions> = {
  serverUrl: true,
  token: true,
  namespace: true,
  timeoutMs: true,
  fetch: true,
};

/** The part of `fetch` that is used here. */
export type HeartbeatFetch = (url: string, init: HeartbeatFetchInit) => Promise<HeartbeatFetchResponse>;

/** The part of a request of `fetch` that heartbeats use. */
export interface HeartbeatFetchInit {
  readonly method: "POST";
  readonly headers: Record<string, string>;
  readonly body: string;
  /** A redirect is not to be followed: the token would go with it. */
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

/** The part of a response of `fetch` that heartbeats use. */
export interface HeartbeatFetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
      cancel(): Promise<void>;
    };
  } | null;
}

/**
 * Sends heartbeats to an engine's worker API over `fetch`.
 *
 * ```ts
 * const sender = engineHeartbeatSender({ serverUrl: "https://engine.example.com", token: () => readToken() });
 * ```
 *
 * A task's endpoint is resolved against `serverUrl` before the token is touched; one that leads elsewhere fails, and so
 * does every redirect. When the engine answers 422 or 500 to a heartbeat with progress it is sent once more without, so
 * that at least the lease is renewed. Whatever goes wrong is a {@link HeartbeatError}, which never shows the token or
 * anything of an answer but its status and `reason`. It may be retried, unless the engine refused the token (401 of a
 * token that is no function, 403) or the protocol version, or is said to have moved (301, 308).
 *
 * @throws {TypeError} for a `serverUrl` that is no http or https URL or has credentials, a query or a fragment, and for a
 *   token or namespace that no header could carry
 */
export function engineHeartbeatSender(options: EngineHeartbeatOptions): HeartbeatSender {
  const { token, namespace, timeoutMs = 10_000, fetch } = knownOptions(options, OPTION_NAMES, "engineHeartbeatSender");
  const serverUrl = parseServerUrl(options.serverUrl);
  if (typeof token !== "function" && !isHeaderValue(token)) {
    throw new TypeError(
      "token must be a non-empty string of visible ASCII characters (is there a line break at its end?), or a function that returns one",
    );
  }
  if (namespace !== undefined && !isHeaderValue(namespace)) {
    throw new TypeError("namespace must be a non-empty string of visible ASCII characters");
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT_MS)) {
    throw new TypeError(`timeoutMs must be a number from 1 to ${LONGEST_TIMEOUT_MS}`);
  }
  if (fetch !== undefined && typeof fetch !== "function") throw new TypeError("fetch must be a function");

  async function exchange(
    url: string,
    heartbeat: Heartbeat,
    progress: HeartbeatProgress | undefined,
    signal: AbortSignal,
  ): Promise<HeartbeatAnswer> {
    const bearer = typeof token === "function" ? await askForToken(token) : token;
    const send = fetch ?? (globalThis as { readonly fetch?: HeartbeatFetch }).fetch;
    if (send === undefined) throw new HeartbeatError("There is no global fetch: give one.", { retryable: false });
    // A token that came too late goes nowhere.
    signal.throwIfAborted();
    const init: HeartbeatFetchInit = {
      method: "POST",
      headers: {
        Authorization: `Bearer ${bearer}`,
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-Durable-Workflow-Protocol-Version": PROTOCOL_VERSION,
        ...(namespace === undefined ? {} : { "X-Namespace": namespace }),
      },
      body: JSON.stringify(heartbeatRequest(heartbeat, progress)),
      // Not "error", which Cloudflare does not know.
      redirect: "manual",
      signal,
    };
    let response: HeartbeatFetchResponse;
    let body: unknown;
    try {
      response = await send(url, init);
      body = parseJson(await readText(response));
    } catch (error) {
      // The error itself stays here: it may hold the request, and so the token.
      throw new HeartbeatError(`The heartbeat was not answered: ${nameOf(error)}.`);
    }
    const answer = parseHeartbeatAnswer(response.status, body);
    const reason = withoutToken(heartbeatReason(body), bearer);
    if (answer === undefined) throw refusal(response, reason, typeof token === "function");
    return { ...answer, reason };
  }

  function post(url: string, heartbeat: Heartbeat, progress?: HeartbeatProgress): Promise<HeartbeatAnswer> {
    return within(timeoutMs, heartbeat.signal, (signal) => exchange(url, heartbeat, progress, signal));
  }

  return {
    async send(heartbeat) {
      const url = endpointUrl(serverUrl, heartbeat.endpoint);
      const { progress } = heartbeat;
      try {
        return await post(url, heartbeat, progress);
      } catch (error) {
        const { status } = error as HeartbeatError;
        if (progress === undefined || (status !== 422 && status !== 500)) throw error;
      }
      try {
        return { ...(await post(url, heartbeat)), progressRefused: true };
      } catch (error) {
        const repeated = error as HeartbeatError;
        throw new HeartbeatError(`Repeated without its progress: ${repeated.message}`, repeated);
      }
    },
  };
}

function isHeaderValue(value: unknown): value is string {
  return typeof value === "string" && HEADER_VALUE.test(value);
}

async function askForToken(token: () => string | Promise<string>): Promise<string> {
  let given: unknown;
  try {
    given = await token();
  } catch (error) {
    throw new HeartbeatError(`There is no token for the heartbeat, the token function failed: ${nameOf(error)}.`);
  }
  if (isHeaderValue(given)) return given;
  throw new HeartbeatError(
    "There is no token for the heartbeat: the function gave no string of visible ASCII characters.",
  );
}

function endpointUrl(serverUrl: string, endpoint: string): string {
  try {
    return resolveHeartbeatEndpoint(serverUrl, endpoint);
  } catch (error) {
    if (!isHeartbeatEndpointError(error)) throw error;
    throw new HeartbeatError(`The heartbeat was not sent: ${error.message}.`, { retryable: false });
  }
}

/** Runs `work` until it settles, the time is over or the outer signal fires, and leaves nothing behind. */
function within<T>(timeoutMs: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const tidy = (): void => {
      cancelTimer();
      outer.removeEventListener("abort", callOff);
    };
    const fail = (error: unknown): void => {
      tidy();
      reject(error);
      controller.abort();
    };
    const callOff = (): void => fail(new HeartbeatError("The heartbeat was called off."));
    const cancelTimer = systemClock.schedule(timeoutMs, () =>
      fail(new HeartbeatError(`The heartbeat was not answered within ${timeoutMs} ms.`)),
    );
    outer.addEventListener("abort", callOff);
    if (outer.aborted) return callOff();
    work(controller.signal).then((value) => {
      tidy();
      resolve(value);
    }, fail);
  });
}

/** What an answer without an answer means. */
function refusal({ status, headers }: HeartbeatFetchResponse, reason: string | undefined, tokenMayChange: boolean) {
  const what = `The heartbeat was answered with status ${status}${reason === undefined ? "" : ` (${reason})`}`;
  const advice =
    status === 200
      ? ", but by nothing that an engine says: does serverUrl lead to it?"
      : isRedirect(status)
        ? ", a redirect, which no token follows: serverUrl must be the engine's own address."
        : ".";
  return new HeartbeatError(what + advice, {
    status,
    retryable: !isFinal(status, reason, tokenMayChange),
    retryAfterMs: readRetryAfter(headers),
  });
}

/** A browser hides a redirect that is not followed behind status 0. */
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400);
}

/**
 * Whether the same heartbeat can only be refused again while the run lasts. Every other status may be somebody's on the
 * way, such as a load balancer's 404 during a deploy, and one of those must not cost a healthy handler its lease.
 */
function isFinal(status: number, reason: string | undefined, tokenMayChange: boolean): boolean {
  switch (status) {
    case 400:
      return reason === "missing_protocol_version" || reason === "unsupported_protocol_version";
    case 401:
      return !tokenMayChange;
    case 301:
    case 308:
    case 403:
      return true;
    default:
      return false;
  }
}

/** Seconds, or a date that is measured by the server's own clock where it tells the time. */
function readRetryAfter(headers: HeartbeatFetchResponse["headers"]): number | undefined {
  const value = headers.get("retry-after") ?? "";
  const now = Date.parse(headers.get("date") ?? "");
  let waitMs = Number.NaN;
  if (/^\d+$/.test(value)) waitMs = Number(value) * 1000;
  if (value.endsWith(" GMT")) waitMs = Date.parse(value) - (Number.isNaN(now) ? systemClock.now() : now);
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), LONGEST_RETRY_AFTER_MS);
}

/** Undefined when it is too long for an engine's answer: then its rest is not waited for. */
async function readText({ body }: HeartbeatFetchResponse): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = "";
  let size = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length;
    if (size > ANSWER_LIMIT_BYTES) return undefined;
    text += decoder.decode(next.value, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An engine does not repeat tokens; what stands in its place may. A word such as `worker` is in reasons by itself. */
function withoutToken(reason: string | undefined, token: string): string | undefined {
  return token.length > 8 && reason?.includes(token) === true ? undefined : reason;
}

/** A short name for any error: its code, or that of its cause, as `fetch` hides it there. Messages may hold secrets. */
function nameOf(error: unknown): string {
  try {
    const { name, code, cause } = error as { name?: unknown; code?: unknown; cause?: { code?: unknown } };
    for (const candidate of [code, cause?.code, name]) {
      if (typeof candidate === "string" && /^\w{1,64}$/.test(candidate)) return candidate;
    }
  } catch {
    // Of null, or of a proxy, nothing can be known.
  }
  return "unknown error";
}
