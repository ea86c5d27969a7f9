import { ClientError } from "../errors/client-error.js";

/** How much is read of a list in pages, so that none keeps its reader for good, or fills its memory. */
const MOST_PAGES = 10_000;
const MOST_ITEMS = 1_000_000;
const LONGEST_MS = 120_000;

/** A page of something, and the token of the next one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** For the page that follows; null or undefined at the end. */
  readonly next: string | null | undefined;
}

/**
 * The items of all pages, or as many as are wanted.
 *
 * @param what in the plural, for errors, as in `events of the history`
 * @throws {ClientError} `not_an_engine` for pages that repeat, that bring nothing, or that do not end
 */
export async function allPages<Item>(
  what: string,
  read: (token: string | undefined, room: number) => Promise<Page<Item>>,
  wanted = MOST_ITEMS,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  const seen = new Set<string>();
  const started = performance.now();
  let token: string | undefined;
  for (let count = 0; items.length < wanted; count++) {
    const page = await read(token, wanted - items.length);
    for (const item of page.items) items.push(item);
    if (page.next === null || page.next === undefined || page.next === "") return items.slice(0, wanted);
    if (seen.has(page.next)) throw endless(`the engine hands out the same page of the ${what} again and again`);
    if (page.items.length === 0) throw endless(`the engine hands out an empty page of the ${what}, and a next one`);
    if (count >= MOST_PAGES || (wanted === MOST_ITEMS && items.length >= MOST_ITEMS)) {
      throw endless(`the ${what} have no end: after ${items.length} there are more`);
    }
    if (performance.now() - started > LONGEST_MS) {
      throw endless(`the ${what} take longer than ${LONGEST_MS / 1000} s: ${items.length} have come so far`);
    }
    seen.add(page.next);
    token = page.next;
  }
  return items.slice(0, wanted);
}

function endless(what: string): ClientError {
  return new ClientError("not_an_engine", what);
}
