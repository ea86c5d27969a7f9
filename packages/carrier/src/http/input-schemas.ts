import { isActivityDefinition } from "../activity/definition/define-activity.js";
import type { ActivityHandlers } from "../activity/definition/registry.js";
import type { ActivityInput, StandardSchema } from "../activity/definition/standard-schema.js";
import { readProperty } from "../activity/read-property.js";
import { isObject, type JsonObject } from "../protocol/fields.js";

const TARGET = "draft-2020-12";

/**
 * JSON Schemas (2020-12) of the argument lists of activities, by type: of those that `defineActivity` made with an `input`
 * that tells its shape.
 *
 * @param handlers as a carrier takes them
 */
export function inputSchemasOf(handlers: ActivityHandlers): ReadonlyMap<string, JsonObject> {
  const schemas = new Map<string, JsonObject>();
  const isEntries = Array.isArray(handlers) || handlers instanceof Map;
  for (const [key, handler] of isEntries ? handlers.entries() : Object.entries(handlers)) {
    if (!isActivityDefinition(handler) || handler.input === undefined) continue;
    const schema = argumentListOf(handler.input);
    const type: unknown = handler.name ?? key;
    if (schema !== undefined && typeof type === "string") schemas.set(type, schema);
  }
  return schemas;
}

function argumentListOf(input: ActivityInput): JsonObject | undefined {
  if ("~standard" in input) return shapeOf(input);
  const shapes = input.map(shapeOf);
  // Of an argument that does not tell, anything may be said.
  if (input.length > 0 && shapes.every((shape) => shape === undefined)) return undefined;
  const prefixItems = shapes.map((shape) => shape ?? {});
  return { type: "array", prefixItems, items: false };
}

/** What a schema says of its own shape; undefined for one that does not, or cannot. */
function shapeOf(schema: StandardSchema): JsonObject | undefined {
  try {
    // Standard JSON Schema, version 1: https://standardschema.dev/json-schema
    const standard = readProperty(schema["~standard"], "jsonSchema");
    const shape =
      call(standard, "input", { target: TARGET }) ?? call(schema, "toJSONSchema", { target: TARGET, io: "input" });
    return isObject(shape) ? plain(shape) : undefined;
  } catch {
    // It holds what JSON Schema has no words for.
    return undefined;
  }
}

function call(object: unknown, method: string, options: object): unknown {
  const own: unknown = (object as Readonly<Record<string, unknown>> | undefined)?.[method];
  return typeof own === "function" ? Reflect.apply(own, object, [options]) : undefined;
}

/** As JSON has it; without the name of the dialect, which is the same for all of them. */
function plain(shape: JsonObject): JsonObject {
  const { $schema: _, ...rest } = JSON.parse(JSON.stringify(shape)) as JsonObject;
  return rest;
}
