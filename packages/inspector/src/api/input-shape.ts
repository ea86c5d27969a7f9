/** Parts of a schema that are looked at: one that refers to itself would be endless. */
const MOST_PARTS = 2_000;

/** A document with the shape that a JSON schema describes: a beginning for somebody who fills in arguments. */
export function inputShape(schema: unknown): unknown {
  return shapeWithin(schema, schema, { depth: 0, budget: { left: MOST_PARTS } });
}

interface Bounds {
  readonly depth: number;
  readonly budget: { left: number };
}

/** @param around what `#` stands for, unless the schema has an `$id` of its own */
function shapeWithin(schema: unknown, around: unknown, { depth, budget }: Bounds): unknown {
  // Left out, as far as JSON goes.
  if (budget.left-- <= 0) return undefined;
  if (!isObject(schema) || depth > 6) return null;
  const root = "$id" in schema ? schema : around;
  const inner = (other: unknown): unknown => shapeWithin(other, root, { depth: depth + 1, budget });
  if (typeof schema["$ref"] === "string") return inner(referredSchema(root, schema["$ref"]));
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["examples"]) && schema["examples"].length > 0) return schema["examples"][0];
  if ("default" in schema) return schema["default"];
  if (Array.isArray(schema["enum"]) && schema["enum"].length > 0) return schema["enum"][0];
  for (const name of ["anyOf", "oneOf", "allOf"]) {
    const branches = schema[name];
    if (Array.isArray(branches) && branches.length > 0) return inner(branches[0]);
  }
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  switch (type) {
    case "object":
      return shapeOfObject(schema, inner);
    case "array": {
      const { prefixItems } = schema;
      return Array.isArray(prefixItems) ? prefixItems.map(inner) : [];
    }
    case "string":
      return "";
    case "integer":
    case "number":
      return leastOf(schema);
    case "boolean":
      return false;
    default:
      return "properties" in schema ? shapeOfObject(schema, inner) : null;
  }
}

function shapeOfObject(schema: Readonly<Record<string, unknown>>, inner: (schema: unknown) => unknown): unknown {
  const { properties, required } = schema;
  if (!isObject(properties)) return {};
  const wanted = Array.isArray(required) ? required : Object.keys(properties);
  const entries = Object.entries(properties).filter(([name]) => wanted.includes(name));
  return Object.fromEntries(entries.map(([name, property]) => [name, inner(property)]));
}

/** Zero, or the least that is more and is allowed. */
function leastOf({ minimum, exclusiveMinimum }: Readonly<Record<string, unknown>>): number {
  if (typeof minimum === "number" && minimum > 0) return minimum;
  return typeof exclusiveMinimum === "number" && exclusiveMinimum >= 0 ? Math.floor(exclusiveMinimum) + 1 : 0;
}

/**
 * The part of a JSON schema that `#/$defs/name` and the like point at; undefined for what is not in it.
 *
 * @param root the schema that `#` stands for: the nearest around it with an `$id`, else the whole
 */
export function referredSchema(root: unknown, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let part = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    part = isObject(part) && Object.hasOwn(part, name) ? part[name] : undefined;
  }
  return part;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
