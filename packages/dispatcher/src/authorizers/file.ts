import { dirname, resolve } from "node:path";
import { isObject } from "@durable-workflow/engine-protocol";
import { fileTrouble } from "../config/file-trouble.js";
import type { Environment } from "../config/profiles.js";
import { NotTextError, readTextFile } from "../config/text-file.js";
import type { Authorizer } from "../delivery/authorizer.js";
import { allOf } from "./all-of.js";
import { type AwsSigV4Options, awsSigV4 } from "./aws-sigv4.js";
import { googleIdToken } from "./google-id-token.js";
import { type HeadersFromOptions, headersFrom } from "./headers-from.js";

/** Options of `loadAuthorizers`. */
export interface LoadAuthorizersOptions {
  /** Where variables are looked up. Default `process.env`. */
  readonly environment?: Environment | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** What reads the value of a field. @param at its place, for messages */
type ReadField = (value: unknown, at: string) => unknown;

type Field = readonly [option: string, read: ReadField];

interface Kind {
  /** The option that each field is, and how it is read. */
  readonly fields: ReadonlyMap<string, Field>;
  readonly make: (options: Fields) => Authorizer;
}

/**
 * Reads authorizers from a JSON file: an object of authorizers by `auth_ref`, each `{"type": "aws_sigv4" | "google_id_token" |
 * "headers", ...}` or a list of such, which are all asked. Secrets are never in it: it says in which variables and files they
 * are. Paths are relative to its folder.
 *
 * @throws {TypeError} naming the field that cannot be used
 */
export async function loadAuthorizers(
  path: string,
  { environment = process.env }: LoadAuthorizersOptions = {},
): Promise<Readonly<Record<string, Authorizer>>> {
  const document = parsed(await readAuthorizersText(path));
  if (!isObject(document)) throw new TypeError("the authorizers file must be an object of authorizers by auth_ref");
  const folder = dirname(resolve(path));
  return Object.fromEntries(
    Object.entries(document).map(([authRef, entry]) => {
      if (!Array.isArray(entry)) return [authRef, authorizerOf(authRef, entry, { folder, environment })];
      const list = entry.map((one, index) => authorizerOf(`${authRef}[${index}]`, one, { folder, environment }));
      return [authRef, at(authRef, () => allOf(...list))];
    }),
  );
}

interface Place {
  readonly folder: string;
  readonly environment: Environment;
}

function authorizerOf(authRef: string, entry: unknown, { folder, environment }: Place): Authorizer {
  if (!isObject(entry)) throw new TypeError(`${authRef} must be an object with a type, or a list of such`);
  const kinds = kindsIn(folder);
  const { type, ...fields } = entry;
  const kind = typeof type === "string" ? kinds.get(type) : undefined;
  if (kind === undefined) throw new TypeError(`${authRef}.type must be one of ${[...kinds.keys()].join(", ")}`);
  const options: Record<string, unknown> = { environment };
  for (const [name, value] of Object.entries(fields)) {
    const field = kind.fields.get(name);
    if (field === undefined) throw unknownField(`${authRef}.${name}`, ["type", ...kind.fields.keys()]);
    const [option, read] = field;
    options[option] = read(value, `${authRef}.${name}`);
  }
  return at(authRef, () => kind.make(options));
}

function kindsIn(folder: string): ReadonlyMap<string, Kind> {
  const source = sourceIn(folder);
  const origins: readonly [string, Field] = ["origins", ["origins", originList]];
  return new Map<string, Kind>([
    [
      "aws_sigv4",
      {
        fields: new Map<string, Field>([
          ["region", ["region", text]],
          ["service", ["service", text]],
          ["credentials", ["credentials", (value, place) => credentials(value, place, source)]],
          origins,
        ]),
        // The fields are checked here, what they hold there.
        make: (options) => awsSigV4(options as unknown as AwsSigV4Options),
      },
    ],
    [
      "google_id_token",
      {
        fields: new Map<string, Field>([
          ["audience", ["audience", text]],
          ["key_file", ["keyFile", (value, place) => resolve(folder, text(value, place))]],
          ["header", ["header", text]],
          origins,
        ]),
        make: (options) => googleIdToken(options),
      },
    ],
    [
      "headers",
      {
        fields: new Map<string, Field>([
          ["headers", ["headers", (value, place) => headers(value, place, source)]],
          origins,
        ]),
        make: (options) => headersFrom(options as unknown as HeadersFromOptions),
      },
    ],
  ]);
}

function text(value: unknown, place: string): string {
  if (typeof value !== "string" || value.trim() === "") throw new TypeError(`${place} must be a non-empty string`);
  return value;
}

function originList(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${place} must be a list of origins`);
  return value.map((one: unknown, index) => text(one, `${place}[${index}]`));
}

/** Reads where a secret is. What it holds beside that is kept for those who know it. */
function sourceIn(folder: string): (value: unknown, place: string, others?: readonly string[]) => Fields {
  return (value, place, others = []) => {
    if (!isObject(value)) {
      throw new TypeError(`${place} must be {"env": NAME} or {"file": PATH}: no secret is written into this file`);
    }
    const names = ["env", "file", ...others];
    for (const [name, field] of Object.entries(value)) {
      if (!names.includes(name)) throw unknownField(`${place}.${name}`, names);
      // What goes before a secret may end with a space, and may be nothing.
      if (!others.includes(name)) text(field, `${place}.${name}`);
    }
    const { file } = value;
    return typeof file === "string" ? { ...value, file: resolve(folder, file) } : value;
  };
}

function credentials(value: unknown, place: string, source: ReturnType<typeof sourceIn>): Fields {
  if (!isObject(value)) throw new TypeError(`${place} must be an object`);
  const options = new Map([
    ["access_key_id", "accessKeyId"],
    ["secret_access_key", "secretAccessKey"],
    ["session_token", "sessionToken"],
  ]);
  const read: Record<string, Fields> = {};
  for (const [name, field] of Object.entries(value)) {
    const option = options.get(name);
    if (option === undefined) throw unknownField(`${place}.${name}`, [...options.keys()]);
    read[option] = source(field, `${place}.${name}`);
  }
  return read;
}

function headers(value: unknown, place: string, source: ReturnType<typeof sourceIn>): Fields {
  if (!isObject(value)) throw new TypeError(`${place} must be an object of headers by name`);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, source(field, `${place}.${name}`, ["prefix"])]),
  );
}

function unknownField(place: string, known: readonly string[]): TypeError {
  return new TypeError(`${place} is no known field; there are ${known.join(", ")}`);
}

/** Says which authorizer it was that cannot be made. */
function at(authRef: string, make: () => Authorizer): Authorizer {
  try {
    return make();
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`${authRef}: ${error.message}`) : error;
  }
}

async function readAuthorizersText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if (error instanceof NotTextError) throw new TypeError(`the authorizers file: ${error.message}`, { cause: error });
    throw new TypeError(`the authorizers file cannot be read: ${fileTrouble(error)}`, { cause: error });
  }
}

function parsed(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    // The parser's own message quotes the text, which is not for everybody's eyes.
    throw new TypeError("the authorizers file is not a JSON document");
  }
}
