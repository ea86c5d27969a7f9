const REDACTED = "redacted";

/**
 * A URL as it may be shown: values of its query and its fragment may be keys, and a user name and password are. Every
 * place that prints a URL prints this.
 *
 * @param url text that is none is shown as a sentence, as it may hold anything
 */
export function shownUrl(url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) return "(what is no URL)";
  const shown = new URL(text);
  if (shown.username !== "") shown.username = REDACTED;
  if (shown.password !== "") shown.password = REDACTED;
  for (const name of new Set(shown.searchParams.keys())) {
    // `?KEY` alone is a name without a value: as likely a key.
    if (shown.searchParams.get(name) === "") shown.searchParams.delete(name);
    else shown.searchParams.set(name, REDACTED);
  }
  if (shown.hash !== "") shown.hash = REDACTED;
  // As it was written, where nothing was taken away.
  return isSame(shown, new URL(text)) ? text : shown.href;
}

function isSame(one: URL, other: URL): boolean {
  return one.href === other.href;
}

/** A command line as it may be shown: its program, and how many arguments it has. */
export function shownCommand([program = "", ...args]: readonly string[]): string {
  return args.length === 0 ? program : `${program} (and ${args.length} argument${args.length === 1 ? "" : "s"})`;
}
