/** Where in the page somebody is. It stands in the fragment of the address, which no server and no proxy reads. */
export interface Route {
  /** `[]` is the overview, `["a", ID]` an activity. Decoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Somebody typed a lone percent sign: it stands for itself.
    return text;
  }
}

/** Reads `#/a/ID?tab=raw`. Whatever was typed there is a route; whether it leads anywhere is another question. */
export function readRoute(hash: string): Route {
  const text = hash.replace(/^#?\/?/, "");
  const at = text.indexOf("?");
  const path = (at === -1 ? text : text.slice(0, at)).split("/").filter((part) => part !== "");
  const query = new Map<string, string>();
  for (const pair of at === -1 ? [] : text.slice(at + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    query.set(decoded(name), equals === -1 ? "" : decoded(pair.slice(equals + 1)));
  }
  return { path: path.map(decoded), query: Object.fromEntries(query) };
}

/** Writes a route. Empty values are left out, so that what nobody chose is not in the address. */
export function writeRoute(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const pairs = Object.entries(query)
    .filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return `#/${path.map(encodeURIComponent).join("/")}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}
