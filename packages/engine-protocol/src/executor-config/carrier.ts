import { entriesOf, fieldOf, integerField, listField, textField, textsField } from "../fields.js";
import { type ConfigError, configError } from "./errors.js";
import type { Carrier, TransportRetryPolicy } from "./model.js";
import { carrierUrl, parseUrl } from "./target.js";

/** The longest that one delivery over HTTP may take, and how long it takes at most where nothing is said. */
export const LONGEST_HTTP_TIMEOUT_SECONDS = 900;

const DEFAULT_RETRYABLE_STATUS_CODES = [408, 429, "5xx"] as const;

/** What is wrong with a carrier whose fields are well formed: whoever reads it, and whoever delivers to it. */
export function carrierErrors(name: string, carrier: unknown): readonly ConfigError[] {
  return [...targetErrors(name, carrier), ...processErrors(name, carrier)];
}

/** What the contract says of the target of an HTTP carrier. */
export function targetErrors(name: string, carrier: unknown): readonly ConfigError[] {
  return fieldOf(carrier, "type") === "invocable_http" ? invocableErrors(name, carrier) : [];
}

function invocableErrors(name: string, carrier: unknown): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  const capabilities = textsField(carrier, "capabilities");
  if (capabilities.some((capability) => capability !== "activity_task")) {
    errors.push(
      configError("invalid_invocable_carrier_scope", "An invocable_http carrier runs activities, and nothing else.", {
        carrier: name,
        capabilities,
      }),
    );
  }
  const wrong = (field: string, expected: string, more: Readonly<Record<string, unknown>> = {}): void => {
    errors.push(
      configError("invalid_carrier_target", `The ${field} of an invocable_http carrier must be ${expected}.`, {
        carrier: name,
        field,
        ...more,
      }),
    );
  };
  const url = textField(carrier, "url");
  if (url === undefined) wrong("url", "given");
  else if (carrierUrl(url) === undefined) {
    const parsed = parseUrl(url);
    wrong("url", "absolute https, or http on loopback, without user name and password", {
      scheme: parsed?.protocol.slice(0, -1) ?? null,
      host: parsed?.hostname ?? null,
    });
  }
  if ((fieldOf(carrier, "method") ?? "POST") !== "POST") wrong("method", "POST");
  const timeout = integerField(carrier, "timeout_seconds");
  if (timeout !== undefined && timeout > LONGEST_HTTP_TIMEOUT_SECONDS) {
    wrong("timeout_seconds", `an integer between 1 and ${LONGEST_HTTP_TIMEOUT_SECONDS}`);
  }
  return errors;
}

/** What a process must have to be started. */
export function processErrors(name: string, carrier: unknown): readonly ConfigError[] {
  if (fieldOf(carrier, "type") !== "process") return [];
  const errors: ConfigError[] = [];
  if (listField(carrier, "command").length === 0) {
    errors.push(
      configError("invalid_carrier_target", "A process carrier needs a command.", { carrier: name, field: "command" }),
    );
  }
  if (fieldOf(carrier, "retry_policy") !== undefined) {
    errors.push(
      configError("invalid_carrier_target", "Only an invocable_http carrier has a retry_policy.", {
        carrier: name,
        field: "retry_policy",
      }),
    );
  }
  return errors;
}

/** A carrier that has no errors; undefined for a kind that cannot be delivered to. */
export function readCarrier(name: string, carrier: unknown): Carrier | undefined {
  const timeoutSeconds = integerField(carrier, "timeout_seconds") ?? null;
  switch (fieldOf(carrier, "type")) {
    case "invocable_http":
      return {
        type: "invocable_http",
        name,
        url: textField(carrier, "url") ?? "",
        timeoutSeconds,
        retryPolicy: readRetryPolicy(fieldOf(carrier, "retry_policy")),
      };
    case "process":
      return {
        type: "process",
        name,
        command: textsField(carrier, "command"),
        environment: Object.fromEntries(
          entriesOf(fieldOf(carrier, "environment")).filter(
            (entry): entry is readonly [string, string] => typeof entry[1] === "string",
          ),
        ),
        timeoutSeconds,
      };
    default:
      return undefined;
  }
}

function readRetryPolicy(policy: unknown): TransportRetryPolicy {
  const codes = fieldOf(policy, "retryable_status_codes");
  return {
    maxAttempts: integerField(policy, "max_attempts") ?? 1,
    backoffSeconds: listField(policy, "backoff_seconds").filter((seconds) => typeof seconds === "number"),
    retryableStatusCodes: Array.isArray(codes)
      ? codes.filter((code): code is number | "5xx" => typeof code === "number" || code === "5xx")
      : DEFAULT_RETRYABLE_STATUS_CODES,
  };
}
