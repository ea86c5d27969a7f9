import type { IncomingHttpHeaders } from "node:http";
import type { NodeRequest } from "./types.js";

/** Headers that came more than once are joined: none of them can pass for a single one. */
export function headersOf(request: NodeRequest): Readonly<Record<string, string | undefined>> {
  const headers = singleHeaders(request.headers);
  if (headers["authorization"] === undefined) return headers;
  // Of this one Node keeps the first and drops the others without a word.
  const all = valuesOf(request.rawHeaders, "authorization");
  return all.length > 1 ? { ...headers, authorization: all.join(", ") } : headers;
}

function valuesOf(rawHeaders: readonly string[] | undefined, name: string): readonly string[] {
  const values: string[] = [];
  if (rawHeaders === undefined) return values;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const given = rawHeaders[index]!;
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[index + 1]!);
  }
  return values;
}

function singleHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  for (const name in headers) {
    if (typeof headers[name] !== "string") return joinHeaders(headers);
  }
  return headers as Readonly<Record<string, string | undefined>>;
}

function joinHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  const single: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) single[name] = Array.isArray(value) ? value.join(", ") : value;
  return single;
}
