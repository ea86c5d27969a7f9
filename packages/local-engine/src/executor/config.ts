import type { JsonObject } from "@durable-workflow/carrier/protocol";
import { fieldOf, isObject, listField, textField } from "@durable-workflow/engine-protocol";
import {
  applyOverlay,
  type ConfigError,
  configError,
  headErrors,
  meaningErrors,
  readableErrors,
  unknownOverlay,
} from "@durable-workflow/engine-protocol/executor-config";
import { inServerWords } from "./words.js";

/** One mapping with all that it refers to. */
export interface Mapping {
  readonly name: string;
  readonly activityType: string;
  readonly taskQueue: string;
  readonly handler: string;
  readonly carrierName: string;
  readonly carrier: JsonObject;
  readonly authRef: string | undefined;
  readonly auth: JsonObject | undefined;
  readonly rollout: unknown;
  readonly metadata: unknown;
}

export interface ReadConfig {
  readonly errors: readonly ConfigError[];
  /** Of activities; empty when there are errors. */
  readonly mappings: readonly Mapping[];
  readonly carrierCount: number;
  readonly mappingCount: number;
  readonly mappingKinds: Readonly<Record<string, number>>;
}

/** A config that nothing can be read of. */
export function unreadable(errors: readonly ConfigError[]): ReadConfig {
  return { errors: inServerWords(errors), mappings: [], carrierCount: 0, mappingCount: 0, mappingKinds: {} };
}

/**
 * Checks a config document as a whole: the shape that an engine needs to read, and the contract's named errors. One error,
 * and no mapping of it counts.
 */
export function readConfig(text: string, overlayName: string | undefined): ReadConfig {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return unreadable([configError("invalid_json", "External executor config is not valid JSON.")]);
  }
  const wrongHead = headErrors(given);
  if (wrongHead.length > 0) return unreadable(wrongHead);
  const hasOverlay = overlayName !== undefined && overlayName !== "";
  const document = hasOverlay ? applyOverlay(given, overlayName) : given;
  if (document === undefined) return unreadable([unknownOverlay(overlayName ?? "")]);
  const carriers = fieldOf(document, "carriers");
  const mappings = fieldOf(document, "mappings");
  const wrongShape = readableErrors(document);
  if (!isObject(carriers) || !Array.isArray(mappings)) return unreadable(wrongShape);
  const errors = [...wrongShape, ...meaningErrors(document)];
  const activities = listField(document, "mappings").filter((mapping) => fieldOf(mapping, "kind") === "activity");
  return {
    errors: inServerWords(errors),
    mappings: errors.length > 0 ? [] : activities.map((mapping) => readMapping(document, mapping)),
    carrierCount: Object.keys(carriers).length,
    mappingCount: mappings.length,
    mappingKinds: kindsOf(mappings),
  };
}

function kindsOf(mappings: readonly unknown[]): Readonly<Record<string, number>> {
  const kinds = new Map<string, number>();
  for (const mapping of mappings.filter(isObject)) {
    const kind = String(mapping["kind"]);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return Object.fromEntries(kinds);
}

/** A mapping of an activity, in a config without errors. */
function readMapping(document: unknown, mapping: unknown): Mapping {
  const defaults = fieldOf(document, "defaults");
  const text = (field: string): string => textField(mapping, field) ?? "";
  const carrier = fieldOf(fieldOf(document, "carriers"), text("carrier"));
  const authRef = textField(mapping, "auth_ref") ?? textField(defaults, "auth_ref");
  const auth = authRef === undefined ? undefined : fieldOf(fieldOf(document, "auth_refs"), authRef);
  return {
    name: text("name"),
    activityType: text("activity_type"),
    taskQueue: textField(mapping, "task_queue") ?? textField(defaults, "task_queue") ?? "",
    handler: text("handler"),
    carrierName: text("carrier"),
    carrier: isObject(carrier) ? carrier : {},
    authRef,
    auth: isObject(auth) ? auth : undefined,
    rollout: fieldOf(mapping, "rollout"),
    metadata: fieldOf(mapping, "metadata"),
  };
}
