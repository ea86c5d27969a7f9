import type { NamedError } from "../contract/executor-config.js";
import type { JsonObject } from "../http/call.js";
import { isObject } from "../http/fields.js";
import type { ConfigError } from "./config.js";

const TYPES = new Set<unknown>(["process", "http", "invocable_http", "sqs", "webhook"]);
const RETRYABLE_BELOW_500 = new Set<unknown>([408, 425, 429]);

/** What is wrong with a carrier of the config. Only those that are called over HTTP have limits of their own. */
export function carrierErrors(name: string, carrier: unknown): readonly ConfigError[] {
  if (!isObject(carrier) || !TYPES.has(carrier["type"])) {
    const message = `External executor carrier type must be one of ${[...TYPES].join(", ")}.`;
    return [{ code: "invalid_schema", message, context: { carrier: name, field: "type" } }];
  }
  return carrier["type"] === "invocable_http" ? invocableErrors(name, carrier) : [];
}

function invocableErrors(name: string, carrier: JsonObject): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  const add = (code: NamedError, message: string, context: JsonObject): void => {
    errors.push({ code, message: `Invocable HTTP ${message}`, context: { carrier: name, ...context } });
  };
  const target = (field: string, message: string, context: JsonObject = {}): void => {
    add("invalid_carrier_target", `carrier ${message}`, { field, ...context });
  };
  const { capabilities, url, method } = carrier;
  if (capabilities !== undefined && !isOnlyActivities(capabilities)) {
    add("invalid_invocable_carrier_scope", "carriers are activity-task carriers only.", { capabilities });
  }
  if (!isAllowedUrl(url)) {
    const parsed = parseUrl(url);
    target(
      "url",
      "url must be absolute HTTPS, or HTTP only for loopback development targets, and must not embed credentials.",
      { scheme: parsed?.protocol.slice(0, -1) ?? null, host: parsed?.hostname ?? null },
    );
  }
  if (method !== undefined && method !== "POST") target("method", "method must be POST.");
  if (!isWithin(carrier["timeout_seconds"], 1, 900)) {
    target("timeout_seconds", "timeout_seconds must be an integer between 1 and 900.");
  }
  const policy = carrier["retry_policy"];
  if (policy !== undefined && !isObject(policy)) target("retry_policy", "retry_policy must be an object.");
  if (isObject(policy)) retryErrors(policy, target);
  return errors;
}

function retryErrors(policy: JsonObject, target: (field: string, message: string) => void): void {
  if (!isWithin(policy["max_attempts"], 1, 5)) {
    target("retry_policy.max_attempts", "retry_policy.max_attempts must be an integer between 1 and 5.");
  }
  const backoff = policy["backoff_seconds"];
  if (backoff !== undefined && !isListOf(backoff, 5, (one) => one !== undefined && isWithin(one, 0, 300))) {
    target(
      "retry_policy.backoff_seconds",
      "retry_policy.backoff_seconds must be at most five integers between 0 and 300.",
    );
  }
  const codes = policy["retryable_status_codes"];
  if (codes !== undefined && !isListOf(codes, 20, isRetryableCode)) {
    target(
      "retry_policy.retryable_status_codes",
      "retry_policy.retryable_status_codes must be at most 20 of 408, 425, 429 and 5xx.",
    );
  }
}

function isOnlyActivities(capabilities: unknown): boolean {
  return Array.isArray(capabilities) && capabilities.every((one) => one === "activity_task");
}

function isRetryableCode(code: unknown): boolean {
  return code === "5xx" || RETRYABLE_BELOW_500.has(code) || (code !== undefined && isWithin(code, 500, 599));
}

function isListOf(value: unknown, most: number, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= most && value.every(fits);
}

/** True for what is not there. */
function isWithin(value: unknown, least: number, most: number): boolean {
  if (value === undefined) return true;
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function parseUrl(url: unknown): URL | undefined {
  try {
    return new URL(String(url));
  } catch {
    return undefined;
  }
}

function isAllowedUrl(url: unknown): boolean {
  const parsed = typeof url === "string" ? parseUrl(url) : undefined;
  if (parsed === undefined || parsed.username !== "" || parsed.password !== "") return false;
  return parsed.protocol === "https:" || (parsed.protocol === "http:" && isLoopbackHost(parsed.hostname));
}

/** Whether a carrier is called on this machine: it may do without a credential. */
export function isLoopbackTarget(url: unknown): boolean {
  const parsed = parseUrl(url);
  return parsed !== undefined && isLoopbackHost(parsed.hostname);
}

/** Also a name that ends in a dot: it is the same host. */
function isLoopbackHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
