// node scripts/config-reference.mjs: writes the config reference in docs/operate/dispatcher.md anew from the schema. With --check
// it only says whether that would change anything.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { root } from "./lib.mjs";

const DOCUMENT = `${root}docs/operate/dispatcher.md`;
const SCHEMA = `${root}packages/engine-protocol/schemas/external-executor.schema.json`;
const MARKED = /(<!-- begin of the config reference -->\n).*?(<!-- end of the config reference -->)/s;

/** The reference as Markdown tables, one for each kind of object. */
export function configReference(schema) {
  const { $defs: defs } = schema;
  const sections = [
    ["The document", schema],
    ["`defaults`", defs.defaults],
    ["`auth_refs.NAME`", defs.auth_ref],
    ["`carriers.NAME`", defs.carrier],
    ["`carriers.NAME.retry_policy`", defs.retry_policy],
    ["`mappings[]`", defs.mapping],
    ["`mappings[].rollout`", defs.mapping.properties.rollout],
    ["`overlays.NAME`", defs.overlay],
  ];
  return sections.map(([title, definition]) => section(title, definition, defs)).join("\n\n");
}

function section(title, { description, properties, required = [] }, defs) {
  const rows = Object.entries(properties).map(([name, property]) => {
    const resolved = resolve(property, defs);
    const needed = required.includes(name) ? "yes" : "";
    return [`\`${name}\``, typeOf(resolved, defs), needed, property.description ?? resolved.description ?? ""];
  });
  return `**${title}**${description === undefined ? "" : `: ${description}`}\n\n${table([["field", "value", "needed", "what"], ...rows])}`;
}

function resolve(property, defs) {
  return property.$ref === undefined ? property : (defs[property.$ref.split("/").at(-1)] ?? property);
}

function typeOf(
  { const: constant, enum: names, type, anyOf, minimum, maximum, items, pattern, additionalProperties },
  defs,
) {
  if (constant !== undefined) return `\`${JSON.stringify(constant)}\``;
  if (anyOf !== undefined) return anyOf.map((option) => typeOf(option, defs)).join(", ");
  if (names !== undefined)
    return names.map((name) => `\`${typeof name === "string" ? name : JSON.stringify(name)}\``).join(", ");
  if (type === "integer") return `integer ${minimum} to ${maximum}`;
  if (type === "array") return `list of ${typeOf(resolve(items, defs), defs)}`;
  if (type === "object")
    return typeof additionalProperties === "object" && additionalProperties.type === "string"
      ? "object of strings"
      : "object";
  return pattern === undefined ? type : `string like \`${pattern}\``;
}

/** A table whose columns line up, as the formatter leaves it. */
export function table(rows) {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}

/** The document with the reference that belongs there. */
export function withReference(document, schema) {
  return document.replace(MARKED, (_, begin, end) => `${begin}\n${configReference(schema)}\n\n${end}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const before = readFileSync(DOCUMENT, "utf8");
  const after = withReference(before, JSON.parse(readFileSync(SCHEMA, "utf8")));
  if (process.argv.includes("--check")) {
    console.log(
      `the config reference is ${before === after ? "up to date" : "OUT OF DATE: node scripts/config-reference.mjs"}`,
    );
    process.exitCode = before === after ? 0 : 1;
  } else writeFileSync(DOCUMENT, after);
}
