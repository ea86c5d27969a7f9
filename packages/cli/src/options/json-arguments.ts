import { type AvroValue, avroDouble, isPayloadError, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { readTextFile } from "./text-file.js";

const NOTATION =
  'bytes are {"$type":"bytes","base64":"..."}, integers {"$type":"long","value":"..."}, doubles {"$type":"double","value":"..."}, maps {"$type":"map","entries":[{"key":"...","value":...}]}';
/** Where single quotes arrive, the shell did not take them for quotes. */
const WINDOWS_QUOTES = String.raw`Windows' cmd has double quotes alone: "[\"Ada\", 7]"; or put them into a file: @FILE.`;
const LONGEST_LONG = 2n ** 63n - 1n;
const DEEPEST = 512;
const COMMENTS = /^[ \t]*\/\/.*$/gm;
/** Text in quotes (to be passed over), or a number. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Reads the positional arguments of an activity from JSON, written as `projectForJson` shows values. A list holds one
 * argument each; anything else is the one argument there is; empty text is none. An activity whose only argument is a
 * list gets it as `[[1, 2]]`.
 *
 * Lines that begin with `//`, which JSON has none of, are passed over.
 *
 * Numbers keep what their spelling says: `7` is an integer, exact up to 64 bits, `7.0` and `7e0` are doubles.
 *
 * @throws {CliError} with exit code 2, naming the place and the fix
 */
export function parseJsonArguments(text: string): readonly AvroValue[] {
  const json = withoutComments(text);
  if (json.trim() === "") return [];
  const value = parseJsonValue(json);
  return Array.isArray(value) ? (value as readonly AvroValue[]) : [value];
}

/** Blanks in place of lines that begin with `//`: as long as before, so that a complaint counts the characters that are there. */
export function withoutComments(text: string): string {
  return text.replaceAll(COMMENTS, (line) => " ".repeat(line.length));
}

/**
 * Reads one payload value from JSON; see {@link parseJsonArguments}.
 *
 * @throws {CliError} with exit code 2
 */
export function parseJsonValue(text: string): AvroValue {
  let document: unknown;
  try {
    // As it was written first, so that a complaint counts the characters that are there.
    JSON.parse(text);
    document = JSON.parse(text.replaceAll(TOKENS, spellNumber));
  } catch (error) {
    throw refused(`the arguments are not JSON: ${error instanceof Error ? error.message : "they cannot be read"}`, {
      hint: text.startsWith("'") ? WINDOWS_QUOTES : `Quote them for your shell, as in '["Ada", 7]'.`,
    });
  }
  return unproject(document, "$", 0);
}

/**
 * The text that an argument of the command line stands for: itself, the file of `@FILE`, or standard input for `-`.
 *
 * @throws {CliError} with exit code 2 for a file that cannot be read, or has nothing in it
 */
export async function readArgumentText(
  given: string | undefined,
  io: Pick<CliIo, "stdin" | "cwd" | "signal">,
): Promise<string> {
  if (given === undefined) return "";
  if (given.includes("\ufffd")) {
    const hint = String.raw`It stands for bytes that are not UTF-8. Write \ufffd where it is meant.`;
    throw refused("the arguments hold the replacement character U+FFFD", { hint });
  }
  if (given !== "-" && !given.startsWith("@")) return given;
  const file = given === "-" ? given : given.slice(1);
  const name = given === "-" ? "standard input, for the arguments," : `the file of arguments ${file}`;
  const text = await readTextFile(file, io, { name, exitCode: EXIT.usage });
  // What was to write them has failed, as like as not.
  if (text.trim() === "") throw refused(`${name} holds nothing`, { hint: "No arguments are []." });
  return text;
}

/** What JavaScript's numbers would lose, in the notation that keeps it. */
function spellNumber(token: string): string {
  if (token.startsWith('"')) return token;
  const isInteger = /^-?\d+$/.test(token);
  const number = Number(token);
  if (isInteger) {
    return Number.isSafeInteger(number) && !Object.is(number, -0) ? token : `{"$type":"long","value":"${token}"}`;
  }
  return Number.isInteger(number) ? `{"$type":"double","value":"${token}"}` : token;
}

/**
 * The payload value that a document stands for: the inverse of `projectForJson`.
 *
 * @param document parsed JSON
 * @throws {CliError} with exit code 2, for a `$type` that is unknown or not as it should be
 */
export function valueFromProjection(document: unknown): AvroValue {
  return unproject(document, "$", 0);
}

function unproject(document: unknown, path: string, depth: number): AvroValue {
  if (depth > DEEPEST) throw refused(`${path.slice(0, 80)}... nests deeper than ${DEEPEST} levels`);
  if (typeof document === "number" && !Number.isFinite(document)) throw refused(`${path} is a number out of range`);
  if (typeof document !== "object" || document === null) return document as null | boolean | number | string;
  if (Array.isArray(document)) return document.map((item, index) => unproject(item, `${path}[${index}]`, depth + 1));
  if (Object.hasOwn(document, "$type")) return typed(document as Readonly<Record<string, unknown>>, path, depth);
  return mapOf(Object.entries(document), path, depth);
}

function typed(document: Readonly<Record<string, unknown>>, path: string, depth: number): AvroValue {
  const { $type: type } = document;
  const field = (name: string): unknown => {
    const others = Object.keys(document).filter((key) => key !== "$type" && key !== name);
    if (others.length > 0) throw refused(`${path} has ${others.join(", ")} beside $type and ${name}`);
    return document[name];
  };
  switch (type) {
    case "bytes":
      return bytesOf(field("base64"), path);
    case "long":
      return longOf(field("value"), path);
    case "double":
      return doubleOf(field("value"), path);
    case "map":
      return entriesOf(field("entries"), path, depth);
    default:
      throw refused(`${path} has the unknown $type ${JSON.stringify(type)}`);
  }
}

function bytesOf(base64: unknown, path: string): AvroValue {
  const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
  // Buffer passes over what is no base64: only what comes out the same went in whole.
  if (bytes === undefined || bytes.toString("base64") !== base64)
    throw refused(`${path}.base64 must be padded base64 text`);
  return new Uint8Array(bytes);
}

function longOf(value: unknown, path: string): AvroValue {
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) {
    throw refused(`${path} must be an integer of 64 bits, with its digits as text`);
  }
  const long = BigInt(value);
  if (long > LONGEST_LONG || long < -LONGEST_LONG - 1n) {
    throw refused(`${path} must be an integer of 64 bits; ${value} is beyond that`);
  }
  return long;
}

function doubleOf(value: unknown, path: string): AvroValue {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) throw refused(`${path} must be a finite double, with its digits as text`);
  return avroDouble(number);
}

function entriesOf(entries: unknown, path: string, depth: number): AvroValue {
  if (!Array.isArray(entries)) throw refused(`${path}.entries must be a list`);
  const pairs = entries.map((entry: unknown, index): readonly [string, unknown] => {
    const { key, value } = (entry ?? {}) as { readonly key?: unknown; readonly value?: unknown };
    if (typeof key !== "string" || value === undefined) {
      throw refused(`${path}.entries[${index}] must be {"key": text, "value": any}`);
    }
    return [key, value];
  });
  return mapOf(pairs, path, depth);
}

function mapOf(
  entries: readonly (readonly [string, unknown])[],
  path: string,
  depth: number,
): { readonly [key: string]: AvroValue } {
  // Not by assignment: `__proto__` is a key like any other.
  return Object.fromEntries(entries.map(([key, value]) => [key, unproject(value, `${path}.${key}`, depth + 1)]));
}

function refused(problem: string, { hint = NOTATION }: { readonly hint?: string } = {}): CliError {
  return new CliError(EXIT.usage, problem, hint);
}

/**
 * Arguments as they are sent.
 *
 * @throws {CliError} with exit code 2 for what has no form on the wire
 */
export function argumentsPayload(args: readonly unknown[]): ReturnType<typeof payloadEnvelope> {
  try {
    return payloadEnvelope(args);
  } catch (error) {
    if (isPayloadError(error)) throw new CliError(EXIT.usage, `the arguments cannot be sent: ${error.message}`);
    throw error;
  }
}
