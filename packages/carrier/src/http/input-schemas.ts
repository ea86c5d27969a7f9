import { isActivityDefinition } from "../activity/definition/define-activity.js";
import type { ActivityHandlers } from "../activity/definition/registry.js";
import type { ActivityInput, StandardSchema } from "../activity/definition/standard-schema.js";
import { type InvocableHandler, isInvocableHandler } from "../activity/invocable-handler.js";
import { readProperty } from "../activity/read-property.js";
import { isObject, type JsonObject } from "../protocol/fields.js";
import { LONGEST_INPUT_SCHEMA } from "../protocol/manifest.js";

const TARGET = "draft-2020-12";
/** Characters of all together: a manifest must stay small enough to be read. */
const LONGEST_TOGETHER = 1_048_576;

/**
 * JSON Schemas (2020-12) of the argument lists of activities, by type: of those that `defineActivity` made with an `input`
 * that tells its shape. Left out are those over 64 KiB, and what is beyond 1 MiB in all.
 *
 * ```ts
 * const counted: InvocableHandler = { ...others, inputSchemas: inputSchemasOf(inner) };
 * ```
 *
 * @param of as a carrier takes them: handlers, or what was made of them. Of an `InvocableHandler` of one's own what it says itself counts
 */
export function inputSchemasOf(of: ActivityHandlers | InvocableHandler): ReadonlyMap<string, JsonObject> {
  if (!isInvocableHandler(of)) return schemasOf(of);
  return of.inputSchemas ?? schemasOf(of.handlers ?? {});
}

function schemasOf(handlers: ActivityHandlers): ReadonlyMap<string, JsonObject> {
  const schemas = new Map<string, JsonObject>();
  let left = LONGEST_TOGETHER;
  const isEntries = Array.isArray(handlers) || handlers instanceof Map;
  for (const [key, handler] of isEntries ? handlers.entries() : Object.entries(handlers)) {
    if (!isActivityDefinition(handler) || handler.input === undefined) continue;
    const schema = argumentListOf(handler.input);
    const type: unknown = handler.name ?? key;
    if (schema === undefined || typeof type !== "string") continue;
    const { length } = JSON.stringify(schema);
    if (length > LONGEST_INPUT_SCHEMA || length > left) continue;
    left -= length;
    schemas.set(type, schema);
  }
  return schemas;
}

function argumentListOf(input: ActivityInput): JsonObject | undefined {
  if ("~standard" in input) return shapeOf(input);
  const shapes = input.map(shapeOf);
  // Of an argument that does not tell, anything may be said.
  if (input.length > 0 && shapes.every((shape) => shape === undefined)) return undefined;
  const prefixItems = shapes.map((shape, index) => (shape === undefined ? {} : resourceOf(shape, index)));
  return { type: "array", prefixItems, items: false };
}

/** One that refers to parts of itself stays whole in a list only where it has a name of its own. */
function resourceOf(shape: JsonObject, index: number): JsonObject {
  return JSON.stringify(shape).includes('"$ref":"#') ? { $id: `argument-${index}`, ...shape } : shape;
}

/** What a schema says of its own shape; undefined for one that does not, or cannot. */
function shapeOf(schema: StandardSchema): JsonObject | undefined {
  // Standard JSON Schema, version 1: https://standardschema.dev/json-schema
  const standard = readProperty(schema["~standard"], "jsonSchema");
  return (
    told(standard, "input", { target: TARGET }) ??
    // Zod passes over what JSON Schema has no words for, such as a bigint, where it is asked to.
    told(schema, "toJSONSchema", { target: TARGET, io: "input", unrepresentable: "any" })
  );
}

/** What a method says, as JSON has it; without the name of the dialect, which is the same for all of them. */
function told(object: unknown, method: string, options: object): JsonObject | undefined {
  try {
    // A schema may be a function, too.
    const own = (object as Readonly<Record<string, unknown>> | undefined)?.[method];
    const answer: unknown = typeof own === "function" ? Reflect.apply(own, object, [options]) : undefined;
    const shape: unknown = isObject(answer) ? JSON.parse(JSON.stringify(answer)) : undefined;
    if (!isObject(shape)) return undefined;
    const { $schema: _, ...rest } = shape;
    return Object.keys(rest).length === 0 ? undefined : rest;
  } catch {
    // It holds what JSON Schema has no words for.
    return undefined;
  }
}
