import { type AvroValue, isAvroDouble } from "@durable-workflow/carrier/payload";
import { referredSchema } from "@durable-workflow/inspector";

const MOST = 20;
/** Below that nothing is looked at: schemas may go round in circles. */
const DEEPEST = 64;
/** Parts that are looked at; what is beyond is left to whoever runs the activity. */
const MOST_LOOKS = 100_000;

/**
 * What of a value is not as a JSON Schema (2020-12) has it, in sentences that name the place; empty where all is well. Of the
 * words of JSON Schema those are looked at that tell a slip of who types arguments; `pattern`, `format` and the like are left to whoever
 * runs the activity. Bytes, which JSON has no word for, may stand anywhere.
 */
export function schemaViolations(schema: unknown, value: AvroValue): readonly string[] {
  const found: string[] = [];
  look(schema, value, {
    path: "$",
    root: schema,
    depth: 0,
    budget: { left: MOST_LOOKS },
    tell: (text) => found.length < MOST && found.push(text),
  });
  return found;
}

interface Place {
  readonly path: string;
  /** What `#` stands for. */
  readonly root: unknown;
  readonly depth: number;
  readonly budget: { left: number };
  readonly tell: (text: string) => unknown;
}

type Words = Readonly<Record<string, unknown>>;

function look(schema: unknown, value: AvroValue, around: Place): void {
  const { path, budget, tell } = around;
  if (schema === false) tell(`${path} must not be there`);
  if (!isObject(schema) || around.depth > DEEPEST || value instanceof Uint8Array || budget.left-- <= 0) return;
  const root = "$id" in schema ? schema : around.root;
  const place: Place = { path, root, depth: around.depth + 1, budget, tell };
  const { $ref: reference, allOf } = schema;
  if (typeof reference === "string") look(referredSchema(root, reference), value, place);
  for (const each of Array.isArray(allOf) ? allOf : []) look(each, value, place);
  for (const branches of [schema["anyOf"], schema["oneOf"]]) {
    const isOne = !Array.isArray(branches) || branches.some((each: unknown) => fits(each, value, place));
    if (!isOne) tell(`${path} is none of what it may be`);
  }
  const types = [schema["type"]].flat().filter((type) => typeof type === "string");
  if (types.length > 0 && !types.some((type) => isOfType(type, value))) {
    tell(`${path} must be ${types.map((type) => NAMES[type] ?? type).join(" or ")}`);
    return;
  }
  if ("const" in schema) lookAtChoices([schema["const"]], value, place);
  if (Array.isArray(schema["enum"])) lookAtChoices(schema["enum"], value, place);
  const number = numberOf(value);
  if (number !== undefined) lookAtNumber(schema, number, place);
  else if (typeof value === "string") lookAtLength(schema, Array.from(value).length, place);
  else if (Array.isArray(value)) lookAtList(schema, value as readonly AvroValue[], place);
  else if (isObject(value)) lookAtFields(schema, value, place);
}

const NAMES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

function isOfType(type: string, value: AvroValue): boolean {
  const number = numberOf(value);
  switch (type) {
    case "integer":
      return number !== undefined && (typeof number === "bigint" || Number.isInteger(number));
    case "number":
      return number !== undefined;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value) && !Array.isArray(value) && number === undefined;
    case "null":
      return value === null;
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

function fits(schema: unknown, value: AvroValue, place: Place): boolean {
  let isFit = true;
  look(schema, value, { ...place, tell: () => (isFit = false) });
  return isFit;
}

/** Objects and lists are not compared. */
function lookAtChoices(choices: readonly unknown[], value: AvroValue, { path, tell }: Place): void {
  const plain = numberOf(value) ?? value;
  if (isObject(plain) || choices.some((choice) => isObject(choice) || isSame(choice, plain))) return;
  tell(`${path} must be ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`);
}

function isSame(choice: unknown, value: unknown): boolean {
  if (typeof value !== "bigint") return choice === value;
  return Number.isInteger(choice) && BigInt(choice as number) === value;
}

function lookAtNumber(schema: Words, number: number | bigint, { path, tell }: Place): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (typeof minimum === "number" && number < minimum) tell(`${path} must be at least ${minimum}`);
  if (typeof maximum === "number" && number > maximum) tell(`${path} must be at most ${maximum}`);
  if (typeof exclusiveMinimum === "number" && number <= exclusiveMinimum) {
    tell(`${path} must be more than ${exclusiveMinimum}`);
  }
  if (typeof exclusiveMaximum === "number" && number >= exclusiveMaximum) {
    tell(`${path} must be less than ${exclusiveMaximum}`);
  }
}

function lookAtLength(schema: Words, length: number, { path, tell }: Place): void {
  const { minLength, maxLength } = schema;
  if (typeof minLength === "number" && length < minLength)
    tell(`${path} must have ${counted(minLength, "character")} at least`);
  if (typeof maxLength === "number" && length > maxLength)
    tell(`${path} must have ${counted(maxLength, "character")} at most`);
}

function lookAtList(schema: Words, list: readonly AvroValue[], place: Place): void {
  const { path, tell } = place;
  const { minItems, maxItems, prefixItems, items } = schema;
  const first: readonly unknown[] = Array.isArray(prefixItems) ? prefixItems : [];
  if (typeof minItems === "number" && list.length < minItems)
    tell(`${path} must have ${counted(minItems, "item")} at least`);
  if (typeof maxItems === "number" && list.length > maxItems)
    tell(`${path} must have ${counted(maxItems, "item")} at most`);
  if (items === false && list.length > first.length) tell(`${path} must have ${counted(first.length, "item")} at most`);
  for (const [index, item] of list.entries()) {
    const inner = { ...place, path: `${path}[${index}]` };
    if (index < first.length) look(first[index], item, inner);
    else if (items !== false) look(items, item, inner);
  }
}

function lookAtFields(schema: Words, fields: Readonly<Record<string, AvroValue>>, place: Place): void {
  const { path, tell } = place;
  const { properties, required, additionalProperties, patternProperties } = schema;
  const known = isObject(properties) ? properties : {};
  for (const name of Array.isArray(required) ? required : []) {
    if (typeof name === "string" && !Object.hasOwn(fields, name)) tell(`${at(path, name)} is missing`);
  }
  for (const [name, field] of Object.entries(fields)) {
    const inner = { ...place, path: at(path, name) };
    if (Object.hasOwn(known, name)) look(known[name], field, inner);
    else if (patternProperties === undefined) look(additionalProperties, field, inner);
  }
}

function at(path: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function numberOf(value: AvroValue): number | bigint | undefined {
  if (isAvroDouble(value)) return value.value;
  return typeof value === "number" || typeof value === "bigint" ? value : undefined;
}

function isObject(value: unknown): value is Words {
  return typeof value === "object" && value !== null;
}
