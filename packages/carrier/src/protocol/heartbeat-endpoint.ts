import { brand, brandOf } from "./brand.js";

const EXAMPLE = "/api/worker/activity-tasks/{task_id}/heartbeat";
const LONGEST_ENDPOINT = 2048;

/** A task's `lease.heartbeat_endpoint` is no path on the engine: a heartbeat, and the token with it, could go astray. */
export class HeartbeatEndpointError extends Error {
  override readonly name = "HeartbeatEndpointError";
  /** Sending it again will not mend it. */
  readonly retryable = false;

  /** @param problem what was found, without showing it */
  constructor(problem: string) {
    super(`lease.heartbeat_endpoint must be a path on the server, as in ${EXAMPLE}, got ${problem}`);
    brand(this, "HeartbeatEndpointError");
  }
}

/** True for a {@link HeartbeatEndpointError} of any copy of this library. */
export function isHeartbeatEndpointError(error: unknown): error is HeartbeatEndpointError {
  return brandOf(error) === "HeartbeatEndpointError";
}

/**
 * Checks the address of an engine: `https://engine.example.com`, or with a path, below which its API lies. Plain http is
 * taken for any host, as engines run in private networks; what is sent there, tokens included, can be read on the way.
 *
 * @returns the address without a slash at its end
 * @throws {TypeError} for what is no http or https URL, or has credentials, a query or a fragment
 */
export function parseServerUrl(serverUrl: string): string {
  const url = parseUrl(serverUrl);
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ""
  ) {
    // The address is not shown: it may hold a password.
    throw new TypeError(
      "serverUrl must be an http or https URL without credentials, query and fragment, as in https://engine.example.com",
    );
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/**
 * The URL that heartbeats of a task go to: its `lease.heartbeat_endpoint` below `serverUrl`, and nowhere else.
 * `https://host/engine` and `/api/x` make `https://host/engine/api/x`.
 *
 * @throws {HeartbeatEndpointError} for an endpoint that is no plain path: an absolute or scheme-relative URL, one with a
 *   query, a fragment, a `.` or `..` segment, an empty one, a backslash, white space, a control character or one outside
 *   ASCII, one of those percent-encoded, or more than 2048 characters
 * @throws {TypeError} for a bad `serverUrl`
 */
export function resolveHeartbeatEndpoint(serverUrl: string, endpoint: string): string {
  const base = parseServerUrl(serverUrl);
  const problem = problemOf(endpoint);
  if (problem !== undefined) throw new HeartbeatEndpointError(problem);
  const url = parseUrl(base + endpoint);
  // The rules above leave nothing for a URL parser to interpret. Should one see it otherwise, nothing is sent.
  if (url?.href !== base + endpoint) throw new HeartbeatEndpointError("a path that leads elsewhere");
  return url.href;
}

/** What is wrong with an endpoint; undefined when it is a plain path. */
function problemOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== "string") return "no text";
  if (endpoint === "" || endpoint === "/") return "an empty path";
  if (endpoint.length > LONGEST_ENDPOINT) return `more than ${LONGEST_ENDPOINT} characters`;
  if (/[^!-~]/.test(endpoint)) return "white space, a control character or one outside ASCII";
  if (endpoint.includes("\\")) return "a backslash";
  if (!endpoint.startsWith("/")) return /^[^/]*:/.test(endpoint) ? "an absolute URL" : "no slash at its start";
  if (endpoint.startsWith("//")) return "a scheme-relative URL";
  if (endpoint.includes("?")) return "a query";
  if (endpoint.includes("#")) return "a fragment";
  if (/\/(?:\/|$)/.test(endpoint)) return "an empty segment";
  // Some servers read "..;x" as "..".
  if (/\/\.\.?(?:[/;]|$)/.test(endpoint)) return 'a "." or ".." segment';
  // Encoded: controls, space, # % . / ? and backslash.
  if (/%(?:[01].|20|2[35ef]|3f|5c|7f)/i.test(endpoint)) return "a percent-encoded character that paths must not hide";
  if (/%(?![\da-f]{2})/i.test(endpoint)) return "a percent sign that encodes nothing";
  return /[^\w\-.~!$&'()*+,;=:@%/]/.test(endpoint) ? "a character that paths must encode" : undefined;
}

function parseUrl(text: unknown): URL | undefined {
  try {
    return typeof text === "string" ? new URL(text) : undefined;
  } catch {
    return undefined;
  }
}
