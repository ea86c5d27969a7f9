import { entriesOf, fieldOf, isObject } from "../fields.js";
import { type ConfigError, type ConfigErrorCode, fieldError } from "./errors.js";

/** `schema` of an executor config. */
export const CONFIG_SCHEMA = "durable-workflow.external-executor.config";
/** `version` of an executor config. */
export const CONFIG_VERSION = 1;
/** `schema` of a mapping that an engine hands out with a task. */
export const CONFIG_MAPPING_SCHEMA = `${CONFIG_SCHEMA}.mapping`;

/** What the contract lets a config contain: field for field what `schemas/external-executor.schema.json` says. */

export interface Check {
  /** Whether a value is allowed there. */
  readonly allows: (value: unknown) => boolean;
  /** How messages name what is allowed. */
  readonly expected: string;
  /** Named error of a value that is not; `invalid_schema` unless said otherwise. */
  readonly code?: ConfigErrorCode;
}

export type Fields = Readonly<Record<string, Check>>;

export const text: Check = {
  allows: (value) => typeof value === "string" && value !== "",
  expected: "a non-empty string",
};
export const object: Check = { allows: isObject, expected: "an object" };

function integer(minimum: number, maximum: number): Check {
  return {
    allows: (value) => isInteger(value, minimum, maximum),
    expected: `an integer between ${minimum} and ${maximum}`,
  };
}

function isInteger(value: unknown, minimum: number, maximum: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum;
}

function oneOf(...names: readonly string[]): Check {
  return { allows: (value) => names.includes(value as string), expected: `one of ${names.join(", ")}` };
}

function listOf(item: Check, minimum: number, maximum: number, unique: boolean): Check {
  return {
    allows: (value) =>
      Array.isArray(value) &&
      value.length >= minimum &&
      value.length <= maximum &&
      value.every(item.allows) &&
      (!unique || new Set(value).size === value.length),
    expected: `a list of ${minimum === 0 ? "" : `at least ${minimum}, `}${
      maximum === Number.POSITIVE_INFINITY ? "" : `at most ${maximum}, `
    }${unique ? "different, " : ""}each ${item.expected}`,
  };
}

const ANY_LENGTH = Number.POSITIVE_INFINITY;

const DEFAULTS: Fields = { profile: text, namespace: text, task_queue: text, auth_ref: text };

const AUTH_REF: Fields = {
  type: oneOf("profile", "env", "token_file", "mtls", "signed_headers"),
  profile: text,
  env: {
    allows: (value) => typeof value === "string" && /^[A-Z_][A-Z0-9_]*$/.test(value),
    expected: "the name of an environment variable, in capitals",
  },
  path: text,
  cert: text,
  key_ref: text,
  header_allowlist: listOf(text, 0, ANY_LENGTH, true),
};

const STATUS_CODE: Check = {
  allows: (value) => value === "5xx" || value === 408 || value === 425 || value === 429 || isInteger(value, 500, 599),
  expected: '408, 425, 429, one of 500 to 599, or "5xx"',
};

export const RETRY_POLICY: Fields = {
  max_attempts: integer(1, 5),
  backoff_seconds: listOf(integer(0, 300), 0, 5, false),
  retryable_status_codes: listOf(STATUS_CODE, 0, 20, false),
};

export const CARRIER: Fields = {
  type: oneOf("process", "http", "invocable_http", "sqs", "webhook"),
  command: listOf(text, 1, ANY_LENGTH, false),
  url: text,
  queue_url: text,
  method: oneOf("POST", "PUT"),
  timeout_seconds: integer(1, 86_400),
  retry_policy: object,
  capabilities: listOf(
    oneOf("activity_task", "workflow_start", "workflow_signal", "workflow_update", "webhook_ingress"),
    0,
    ANY_LENGTH,
    true,
  ),
  environment: {
    allows: (value) => isObject(value) && Object.values(value).every((item) => typeof item === "string"),
    expected: "an object of strings",
  },
  metadata: object,
};

const MAPPING: Fields = {
  name: text,
  kind: oneOf("activity", "workflow_start", "workflow_signal", "workflow_update", "webhook_ingress"),
  task_queue: text,
  activity_type: text,
  workflow_type: text,
  signal_name: text,
  update_name: text,
  carrier: text,
  handler: { ...text, code: "missing_handler_target" },
  auth_ref: text,
  idempotency_key: text,
  timeout_seconds: integer(1, 86_400),
  rollout: object,
  metadata: object,
};

const ROLLOUT: Fields = { version: text, percentage: integer(0, 100), capability: text };

const OVERLAY: Fields = { defaults: object, carriers: object, mappings: listOf(object, 0, ANY_LENGTH, false) };

export const DOCUMENT: Fields = {
  schema: { allows: (value) => value === CONFIG_SCHEMA, expected: JSON.stringify(CONFIG_SCHEMA) },
  version: { allows: (value) => value === CONFIG_VERSION, expected: "1", code: "unsupported_version" },
  defaults: object,
  auth_refs: object,
  carriers: {
    allows: (value) => isObject(value) && Object.keys(value).length > 0,
    expected: "an object with at least one carrier",
  },
  mappings: listOf(object, 1, ANY_LENGTH, false),
  overlays: object,
};

/** Where in the document, for messages, and the names that identify the place in the error's context. */
export interface Place {
  readonly path: string;
  readonly context: Readonly<Record<string, unknown>>;
  /** Named error of what is wrong here, unless the field has its own. */
  readonly code: ConfigErrorCode;
}

/**
 * Everything in a document that the schema does not allow; empty for a document that conforms to it. Values are not
 * shown: a secret may have been put where none belongs.
 */
export function shapeErrors(document: unknown): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  const top: Place = { path: "", context: {}, code: "invalid_schema" };
  if (!checkFields(document, DOCUMENT, ["schema", "version", "mappings", "carriers"], top, errors)) return errors;
  checkPart(document, top, errors);
  for (const [name, overlay] of entriesOf(fieldOf(document, "overlays"))) {
    const place: Place = { path: `overlays.${name}`, context: { overlay: name }, code: "invalid_schema" };
    if (checkFields(overlay, OVERLAY, [], place, errors)) checkPart(overlay, place, errors);
  }
  return errors;
}

/** What the document and its overlays have alike; an overlay's carriers are changes, so that they need no type. */
function checkPart(part: unknown, place: Place, errors: ConfigError[]): void {
  const at = (field: string, context: Place["context"] = {}, code: ConfigErrorCode = "invalid_schema"): Place => ({
    path: place.path === "" ? field : `${place.path}.${field}`,
    context: { ...place.context, ...context },
    code,
  });
  const defaults = fieldOf(part, "defaults");
  if (isObject(defaults)) checkFields(defaults, DEFAULTS, [], at("defaults"), errors);
  for (const [name, reference] of entriesOf(fieldOf(part, "auth_refs"))) {
    checkFields(reference, AUTH_REF, ["type"], at(`auth_refs.${name}`, { auth_ref: name }), errors);
  }
  const isOverlay = place.path !== "";
  for (const [name, carrier] of entriesOf(fieldOf(part, "carriers"))) {
    const carrierPlace = at(`carriers.${name}`, { carrier: name }, "invalid_carrier_target");
    if (!checkFields(carrier, CARRIER, isOverlay ? [] : ["type"], carrierPlace, errors)) continue;
    const policy = fieldOf(carrier, "retry_policy");
    if (isObject(policy)) checkFields(policy, RETRY_POLICY, [], within(carrierPlace, "retry_policy"), errors);
  }
  const mappings = fieldOf(part, "mappings");
  if (!Array.isArray(mappings)) return;
  mappings.forEach((mapping: unknown, index) => {
    if (!isObject(mapping)) return;
    const named = fieldOf(mapping, "name");
    const mappingPlace = at(`mappings[${index}]`, { mapping: typeof named === "string" ? named : index });
    checkFields(mapping, MAPPING, ["name", "kind", "carrier", "handler"], mappingPlace, errors);
    const rollout = fieldOf(mapping, "rollout");
    if (isObject(rollout)) checkFields(rollout, ROLLOUT, [], within(mappingPlace, "rollout"), errors);
  });
}

export function within(place: Place, field: string): Place {
  return { ...place, path: `${place.path}.${field}`, context: { ...place.context, within: field } };
}

/** Checks an object's fields. False when it is no object. */
function checkFields(
  value: unknown,
  fields: Fields,
  required: readonly string[],
  place: Place,
  errors: ConfigError[],
): boolean {
  return checkKnownFields(value, fields, required, place, errors, "refuse");
}

/** As the schema does, or passing over the fields that it does not name. */
export function checkKnownFields(
  value: unknown,
  fields: Fields,
  required: readonly string[],
  place: Place,
  errors: ConfigError[],
  others: "refuse" | "pass over",
): boolean {
  const report = (field: string, expected: string, code: ConfigErrorCode): void => {
    const prefix = place.context["within"];
    const shownField = typeof prefix === "string" ? `${prefix}.${field}` : field;
    const { within: _, ...context } = place.context;
    const path = [place.path, field].filter((part) => part !== "").join(".");
    errors.push(
      fieldError(code, { path, expected }, { ...context, ...(shownField === "" ? {} : { field: shownField }) }),
    );
  };
  if (!isObject(value)) {
    report("", "an object", place.code);
    return false;
  }
  for (const field of required) {
    const check = fields[field];
    if (check !== undefined && !Object.hasOwn(value, field)) {
      report(field, `${check.expected}; it is missing`, check.code ?? place.code);
    }
  }
  for (const [field, item] of Object.entries(value)) {
    const check = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (check === undefined) {
      if (others === "refuse") report(field, `left out: there is no such field`, "invalid_schema");
    } else if (!check.allows(item)) report(field, check.expected, check.code ?? place.code);
  }
  return true;
}
