import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { fieldOf, integerField, isObject, textField } from "../fields.js";
import { carrierErrors, readCarrier } from "./carrier.js";
import type { ConfigError } from "./errors.js";
import { configError } from "./errors.js";
import type { ActivityMapping, Carrier } from "./model.js";
import { goesWithoutAuth, parseUrl } from "./target.js";

/** What a poll answer's `external_executor` says, or why it cannot be followed. */
export type EngineMapping =
  | { readonly mapping: ActivityMapping; readonly errors?: never }
  | { readonly errors: readonly ConfigError[]; readonly mapping?: never };

/**
 * Reads the mapping that the engine resolved, by the same rules as one of our own. It needs no value that the engine has
 * redacted.
 */
export function readEngineMapping(document: JsonObject): EngineMapping {
  const carrierDocument = fieldOf(document, "carrier");
  const carrierName = textField(carrierDocument, "name");
  const target = fieldOf(carrierDocument, "target");
  const name = textField(document, "name");
  const taskQueue = textField(document, "task_queue");
  const activityType = textField(document, "activity_type");
  if (
    name === undefined ||
    carrierName === undefined ||
    !isObject(target) ||
    taskQueue === undefined ||
    activityType === undefined
  ) {
    const message = "external_executor needs name, task_queue, activity_type and carrier with name and target.";
    return { errors: [configError("invalid_schema", message, { mapping: name ?? null })] };
  }
  const errors = [...carrierErrors(carrierName, target)];
  const carrier = readCarrier(carrierName, target);
  if (carrier === undefined) {
    const message = "Activities can be delivered to carriers of type invocable_http and process only.";
    errors.push(configError("unsupported_carrier_type", message, { carrier: carrierName }));
  }
  const authRef = textField(document, "auth_ref") ?? null;
  if (authRef === null && carrier?.type === "invocable_http" && !isExempt(carrier.url)) {
    const message = "A carrier needs an auth_ref; only http on loopback goes without.";
    errors.push(configError("missing_invocable_auth_ref", message, { mapping: name, carrier: carrierName }));
  }
  if (errors.length > 0 || carrier === undefined) return { errors };
  return {
    mapping: {
      name,
      taskQueue,
      activityType,
      handler: textField(document, "handler") ?? activityType,
      carrier,
      authRef,
      timeoutSeconds: integerField(document, "timeout_seconds") ?? null,
      source: "engine",
    },
  };
}

function isExempt(url: string): boolean {
  const parsed = parseUrl(url);
  return parsed !== undefined && goesWithoutAuth(parsed);
}

/**
 * Where two mappings of the same activity would deliver differently, by field; empty where they agree. Names of
 * mappings, rollout and metadata do not matter.
 */
export function mappingDifferences(own: ActivityMapping, engine: ActivityMapping): readonly string[] {
  const differs: string[] = [];
  const compare = (field: string, left: unknown, right: unknown): void => {
    if (JSON.stringify(left) !== JSON.stringify(right)) differs.push(field);
  };
  compare("handler", own.handler, engine.handler);
  compare("auth_ref", own.authRef, engine.authRef);
  compare("timeout_seconds", own.timeoutSeconds, engine.timeoutSeconds);
  compare("carrier.name", own.carrier.name, engine.carrier.name);
  compare("carrier.type", own.carrier.type, engine.carrier.type);
  compare("carrier.timeout_seconds", own.carrier.timeoutSeconds, engine.carrier.timeoutSeconds);
  compareTargets(own.carrier, engine.carrier, compare);
  return differs;
}

function compareTargets(
  own: Carrier,
  engine: Carrier,
  compare: (field: string, left: unknown, right: unknown) => void,
): void {
  if (own.type === "invocable_http" && engine.type === "invocable_http") {
    compare("carrier.url", new URL(own.url).href, new URL(engine.url).href);
    compare("carrier.retry_policy", own.retryPolicy, engine.retryPolicy);
  } else if (own.type === "process" && engine.type === "process") {
    compare("carrier.command", own.command, engine.command);
  }
}
