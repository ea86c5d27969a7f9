import { entriesOf, fieldOf, isObject, listField } from "../fields.js";
import type { ConfigError } from "./errors.js";
import {
  CARRIER,
  checkKnownFields,
  DOCUMENT,
  type Fields,
  object,
  type Place,
  RETRY_POLICY,
  text,
  within,
} from "./shape.js";

/**
 * The part of the schema that an engine needs, to read what it hands out. An engine is as lenient as the server is: what
 * it does not read, and fields that it does not know, it passes over.
 */

const LISTS: Fields = { carriers: object, mappings: { allows: Array.isArray, expected: "a list" } };
const HTTP_TARGET: Fields = {
  method: { allows: (value) => value === "POST" || value === "PUT", expected: "POST" },
  timeout_seconds: CARRIER["timeout_seconds"] ?? object,
  retry_policy: object,
  capabilities: { allows: Array.isArray, expected: "a list", code: "invalid_invocable_carrier_scope" },
};
const MAPPING: Fields = {
  name: text,
  carrier: { ...text, code: "unknown_carrier" },
  handler: { ...text, code: "missing_handler_target" },
};

/** What keeps an engine from reading a config, before an overlay is applied: another document, or another version. */
export function headErrors(document: unknown): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  const { schema, version } = DOCUMENT;
  if (schema === undefined || version === undefined) return errors;
  check(document, { schema }, ["schema"], TOP, errors);
  if (errors.length === 0) check(document, { version }, ["version"], TOP, errors);
  return errors;
}

/** What keeps an engine from reading the carriers and mappings of a config; {@link headErrors} are looked for before. */
export function readableErrors(document: unknown): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  check(document, LISTS, ["carriers", "mappings"], TOP, errors);
  if (errors.length > 0) return errors;
  for (const [name, carrier] of entriesOf(fieldOf(document, "carriers"))) checkCarrier(name, carrier, errors);
  listField(document, "mappings").forEach((mapping, index) => {
    const named = fieldOf(mapping, "name");
    const place: Place = {
      path: `mappings[${index}]`,
      context: { mapping: typeof named === "string" && named !== "" ? named : index },
      code: "invalid_schema",
    };
    const isActivity = fieldOf(mapping, "kind") === "activity";
    const fields: Fields = isActivity ? { ...MAPPING, activity_type: text } : MAPPING;
    check(mapping, fields, Object.keys(fields), place, errors);
  });
  return errors;
}

function checkCarrier(name: string, carrier: unknown, errors: ConfigError[]): void {
  const place: Place = { path: `carriers.${name}`, context: { carrier: name }, code: "invalid_schema" };
  const { type } = CARRIER;
  if (type === undefined) return;
  check(carrier, { type: { ...type, code: "invalid_schema" } }, ["type"], place, errors);
  if (fieldOf(carrier, "type") !== "invocable_http") return;
  const target: Place = { ...place, code: "invalid_carrier_target" };
  check(carrier, HTTP_TARGET, [], target, errors);
  const policy = fieldOf(carrier, "retry_policy");
  if (isObject(policy)) check(policy, RETRY_POLICY, [], within(target, "retry_policy"), errors);
}

const TOP: Place = { path: "", context: {}, code: "invalid_schema" };

function check(value: unknown, fields: Fields, required: readonly string[], place: Place, errors: ConfigError[]): void {
  checkKnownFields(value, fields, required, place, errors, "pass over");
}
