/** A document with the shape that a JSON schema describes: a beginning for somebody who fills in arguments. */
export function shapeOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > 6) return null;
  const given = schema as Readonly<Record<string, unknown>>;
  if ("const" in given) return given["const"];
  if (Array.isArray(given["examples"]) && given["examples"].length > 0) return given["examples"][0];
  if ("default" in given) return given["default"];
  if (Array.isArray(given["enum"]) && given["enum"].length > 0) return given["enum"][0];
  for (const name of ["anyOf", "oneOf", "allOf"]) {
    const branches = given[name];
    if (Array.isArray(branches) && branches.length > 0) return shapeOf(branches[0], depth + 1);
  }
  const type = Array.isArray(given["type"]) ? given["type"][0] : given["type"];
  switch (type) {
    case "object":
      return shapeOfObject(given, depth);
    case "array": {
      const { prefixItems } = given;
      return Array.isArray(prefixItems) ? prefixItems.map((item) => shapeOf(item, depth + 1)) : [];
    }
    case "string":
      return "";
    case "integer":
    case "number":
      return 0;
    case "boolean":
      return false;
    default:
      return "properties" in given ? shapeOfObject(given, depth) : null;
  }
}

function shapeOfObject(schema: Readonly<Record<string, unknown>>, depth: number): unknown {
  const { properties, required } = schema;
  if (typeof properties !== "object" || properties === null) return {};
  const wanted = Array.isArray(required) ? required : Object.keys(properties);
  const entries = Object.entries(properties).filter(([name]) => wanted.includes(name));
  return Object.fromEntries(entries.map(([name, inner]) => [name, shapeOf(inner, depth + 1)]));
}
