import { type Carrier, describeCommand } from "@durable-workflow/engine-protocol/executor-config";

const REDACTED = "redacted";

/**
 * A URL as it may be shown: values of its query and its fragment may be keys, and a user name and password are. Every
 * place that prints a URL prints this.
 *
 * @param url text that is none loses its query, and is not shown at all where it may hold a password
 */
export function shownUrl(url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) return text.includes("@") ? "(not a URL)" : shownPath(text);
  const shown = new URL(text);
  if (shown.host === "" && !shown.pathname.startsWith("/")) return "(not a URL)";
  if (shown.username !== "") shown.username = REDACTED;
  if (shown.password !== "") shown.password = REDACTED;
  for (const name of new Set(shown.searchParams.keys())) {
    // `?KEY` alone is a name without a value: as likely a key.
    if (shown.searchParams.get(name) === "") shown.searchParams.delete(name);
    else shown.searchParams.set(name, REDACTED);
  }
  if (shown.hash !== "") shown.hash = REDACTED;
  // As it was written, where nothing was taken away.
  return shown.href === new URL(text).href ? text : shown.href;
}

/** The path of a request, as it may be shown: values of its query may be keys. */
export function shownPath(path: string): string {
  const [before = "", ...query] = path.split(/[?#]/);
  return query.length === 0 ? before : `${before}?${REDACTED}`;
}

/** Where a carrier is, as it may be shown. */
export function shownTarget(carrier: Carrier): string {
  return carrier.type === "process" ? describeCommand(carrier.command) : shownUrl(carrier.url);
}
