import type { NodeRequest } from "./types.js";

/** Headers that came more than once are joined: none of them can pass for a single one. */
export function headersOf({ headers, rawHeaders }: NodeRequest): Readonly<Record<string, string | undefined>> {
  // Of this one Node keeps the first and drops the others without a word.
  const tokens = headers.authorization === undefined ? [] : valuesOf(rawHeaders, "authorization");
  const isSingle = tokens.length < 2 && Object.values(headers).every((value) => typeof value === "string");
  if (isSingle) return headers as Readonly<Record<string, string>>;
  const joined: Record<string, string | undefined> = {};
  for (const name in headers) {
    const value = name === "authorization" && tokens.length > 1 ? tokens : headers[name];
    joined[name] = typeof value === "object" ? value.join(", ") : value;
  }
  return joined;
}

function valuesOf(rawHeaders: readonly string[] | undefined = [], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name);
}
