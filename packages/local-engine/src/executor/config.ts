import { EXECUTOR_CONFIG_SCHEMA, EXECUTOR_CONFIG_VERSION, type NamedError } from "../contract/executor-config.js";
import type { JsonObject } from "../http/call.js";
import { isObject } from "../http/fields.js";
import { carrierErrors, isLoopbackTarget } from "./carrier-target.js";

export interface ConfigError {
  readonly code: NamedError;
  readonly message: string;
  readonly context: JsonObject;
}

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

const NOTHING: Omit<ReadConfig, "errors"> = { mappings: [], carrierCount: 0, mappingCount: 0, mappingKinds: {} };

/** Checks a config document as a whole. One error, and no mapping of it counts. */
export function readConfig(text: string, overlayName: string | undefined): ReadConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return refused("invalid_json", "External executor config is not valid JSON.");
  }
  if (!isObject(document) || document["schema"] !== EXECUTOR_CONFIG_SCHEMA) {
    return refused("invalid_schema", `External executor config must be an object of schema ${EXECUTOR_CONFIG_SCHEMA}.`);
  }
  if (document["version"] !== EXECUTOR_CONFIG_VERSION) {
    return refused("unsupported_version", `External executor config version must be ${EXECUTOR_CONFIG_VERSION}.`);
  }
  const overlaid = withOverlay(document, overlayName);
  if (overlaid === undefined) {
    return refused("unknown_overlay", "External executor config has no such overlay.", { overlay: overlayName });
  }
  return checkDocument(overlaid);
}

function refused(code: NamedError, message: string, context: JsonObject = {}): ReadConfig {
  return { ...NOTHING, errors: [{ code, message, context }] };
}

/** Defaults merge shallowly, carriers deeply, mappings are replaced. */
function withOverlay(document: JsonObject, name: string | undefined): JsonObject | undefined {
  if (name === undefined || name === "") return document;
  const overlays = document["overlays"];
  const overlay = isObject(overlays) && Object.hasOwn(overlays, name) ? overlays[name] : undefined;
  if (!isObject(overlay)) return undefined;
  return {
    ...document,
    defaults: { ...objectOf(document["defaults"]), ...objectOf(overlay["defaults"]) },
    carriers: mergeDeeply(objectOf(document["carriers"]), objectOf(overlay["carriers"])),
    mappings: overlay["mappings"] ?? document["mappings"],
  };
}

function mergeDeeply(base: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    const both = isObject(below) && isObject(value);
    Object.defineProperty(merged, key, {
      value: both ? mergeDeeply(below, value) : value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return merged;
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function checkDocument(document: JsonObject): ReadConfig {
  const errors: ConfigError[] = [];
  const { carriers, mappings } = document;
  if (!isObject(carriers)) errors.push(schemaError("carriers", "an object"));
  if (!Array.isArray(mappings)) errors.push(schemaError("mappings", "a list"));
  if (!isObject(carriers) || !Array.isArray(mappings)) return { ...NOTHING, errors };
  for (const [name, carrier] of Object.entries(carriers)) errors.push(...carrierErrors(name, carrier));
  const read = new MappingReader(document, carriers, errors);
  const kinds: Record<string, number> = {};
  for (const [index, mapping] of mappings.entries()) {
    if (!isObject(mapping)) {
      errors.push(schemaError(`mappings.${index}`, "an object"));
      continue;
    }
    const kind = String(mapping["kind"]);
    kinds[kind] = (Object.hasOwn(kinds, kind) ? (kinds[kind] ?? 0) : 0) + 1;
    read.add(mapping, index);
  }
  return {
    errors,
    mappings: errors.length === 0 ? read.mappings : [],
    carrierCount: Object.keys(carriers).length,
    mappingCount: mappings.length,
    mappingKinds: kinds,
  };
}

function schemaError(field: string, expected: string): ConfigError {
  return {
    code: "invalid_schema",
    message: `External executor config field ${field} must be ${expected}.`,
    context: { field },
  };
}

/** Reads mappings one after the other, against those before. */
class MappingReader {
  readonly mappings: Mapping[] = [];
  private readonly defaults: JsonObject;
  private readonly authRefs: JsonObject;
  private readonly carriers: JsonObject;
  private readonly errors: ConfigError[];
  private readonly names = new Set<string>();
  private readonly claims = new Set<string>();

  constructor(document: JsonObject, carriers: JsonObject, errors: ConfigError[]) {
    this.defaults = objectOf(document["defaults"]);
    this.authRefs = objectOf(document["auth_refs"]);
    this.carriers = carriers;
    this.errors = errors;
  }

  add(mapping: JsonObject, index: number): void {
    const before = this.errors.length;
    const name = textOf(mapping["name"]);
    const error = (code: NamedError, message: string, context: JsonObject = {}): void => {
      this.errors.push({ code, message, context: { mapping: name ?? index, ...context } });
    };
    if (name === undefined) {
      this.errors.push(schemaError(`mappings.${index}.name`, "a name"));
    } else if (this.names.has(name)) {
      error("duplicate_mapping_name", "External executor mapping names must be unique.");
    } else this.names.add(name);

    const carrierName = textOf(mapping["carrier"]) ?? "";
    const found = Object.hasOwn(this.carriers, carrierName) ? this.carriers[carrierName] : undefined;
    const carrier = isObject(found) ? found : undefined;
    if (carrier === undefined) {
      error("unknown_carrier", "External executor mapping references an unknown carrier.", { carrier: carrierName });
    }

    const authRef = textOf(mapping["auth_ref"]) ?? textOf(this.defaults["auth_ref"]);
    const known = authRef !== undefined && Object.hasOwn(this.authRefs, authRef) ? this.authRefs[authRef] : undefined;
    if (authRef !== undefined && !isObject(known)) {
      error("unknown_auth_ref", "External executor mapping references an unknown auth_ref.", { auth_ref: authRef });
    }
    const isInvocable = carrier?.["type"] === "invocable_http";
    if (authRef === undefined && isInvocable && !isLoopbackTarget(carrier["url"])) {
      error(
        "missing_invocable_auth_ref",
        "Invocable HTTP mappings must declare auth_ref unless the carrier target is loopback HTTP for local development.",
        { carrier: carrierName },
      );
    }

    const handler = textOf(mapping["handler"]);
    if (handler === undefined) {
      error("missing_handler_target", "External executor mapping must declare a handler target.");
    }
    const kind = mapping["kind"];
    if (isInvocable && kind !== "activity") {
      error("invalid_invocable_carrier_scope", "Invocable HTTP carriers are activity-task carriers only.", { kind });
    }
    if (carrier !== undefined && !advertises(carrier, kind)) {
      const context = { carrier: carrierName, kind };
      error(
        "unsupported_carrier_capability",
        "External executor carrier does not advertise the mapping capability.",
        context,
      );
    }
    if (kind !== "activity") return;

    const taskQueue = textOf(mapping["task_queue"]) ?? textOf(this.defaults["task_queue"]);
    if (taskQueue === undefined) {
      error("invalid_queue_binding", "Activity mappings must declare task_queue or inherit defaults.task_queue.");
    }
    const activityType = textOf(mapping["activity_type"]);
    if (activityType === undefined) this.errors.push(schemaError(`mappings.${index}.activity_type`, "a name"));
    if (taskQueue !== undefined && activityType !== undefined) {
      const claim = JSON.stringify([taskQueue, activityType]);
      const context = { task_queue: taskQueue, activity_type: activityType };
      if (this.claims.has(claim)) {
        error("invalid_queue_binding", "Another mapping claims this task_queue and activity_type already.", context);
      }
      this.claims.add(claim);
    }
    if (this.errors.length > before) return;
    this.mappings.push({
      name: name ?? "",
      activityType: activityType ?? "",
      taskQueue: taskQueue ?? "",
      handler: handler ?? "",
      carrierName,
      carrier: carrier ?? {},
      authRef,
      auth: isObject(known) ? known : undefined,
      rollout: mapping["rollout"],
      metadata: mapping["metadata"],
    });
  }
}

/** A carrier that lists no capabilities has those that its type is for. */
function advertises(carrier: JsonObject, kind: unknown): boolean {
  const { capabilities } = carrier;
  if (!Array.isArray(capabilities)) return true;
  return capabilities.includes(kind === "activity" ? "activity_task" : kind);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
