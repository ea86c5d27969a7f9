import type { ActivityList, ActivityRow } from "../../api/index.js";

interface Page {
  /** With which it is asked for; undefined for the first. */
  readonly cursor: string | undefined;
  /** How many rows it has, whether they are here or were dropped. */
  size: number;
  rows: ActivityRow[] | undefined;
}

/** So many rows are kept, in whole pages; those farthest from where somebody reads are dropped and asked for again. */
const MOST_ROWS = 2000;
export const PAGE = 200;
/** The first page grows by what is started while somebody watches; then it is read anew. */
const LONGEST_PAGE = 600;

/**
 * The rows of a list of any length, of which a window is here. Pages follow each other by cursors, so that nobody is seen twice or
 * missed while activities are started; a page that was dropped is asked for again with its own cursor.
 */
export class ListModel {
  private pages: Page[] = [{ cursor: undefined, size: 0, rows: undefined }];
  private nextCursor: string | null | undefined;
  private readonly places = new Map<string, ActivityRow>();
  private readonly waiting = new Set<string>();
  /** The newest row that was taken: whatever is newer is new, also when this one was dropped. */
  private top: ActivityRow | undefined;

  /** Rows that are known to be there, here or dropped. */
  get length(): number {
    return this.pages.reduce((sum, page) => sum + page.size, 0);
  }

  /** Whether the end of the list was reached. */
  get isComplete(): boolean {
    return this.nextCursor === null;
  }

  /** Whether the engine has answered: what is not known to be there is not there. */
  get hasBegun(): boolean {
    return this.nextCursor !== undefined;
  }

  /** How many new ones wait to be taken. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Rows that are here, for tests of its bounds. */
  get held(): number {
    return this.places.size;
  }

  /** The row at a place, or undefined where it is not here now. */
  at(index: number): ActivityRow | undefined {
    let before = 0;
    for (const page of this.pages) {
      if (index < before + page.size) return page.rows?.[index - before];
      before += page.size;
    }
    return undefined;
  }

  /** Which page is to be asked for so that these rows are here; undefined: none. */
  wanted(from: number, to: number): { readonly page: number; readonly cursor: string | undefined } | undefined {
    let before = 0;
    for (const [number, page] of this.pages.entries()) {
      const touches = before < to && before + page.size > from;
      if (page.rows === undefined && (touches || (number === 0 && page.size === 0)))
        return { page: number, cursor: page.cursor };
      before += page.size;
    }
    if (to < before || this.nextCursor === null || this.nextCursor === undefined) return undefined;
    return { page: this.pages.length, cursor: this.nextCursor };
  }

  /** Takes the answer for a page that was `wanted`. `near`: the place that is read, around which pages stay. */
  take(number: number, cursor: string | undefined, { rows, cursor: next }: ActivityList, near: number): void {
    if (number > this.pages.length) return;
    const page: Page = this.pages[number] ?? { cursor, size: 0, rows: undefined };
    if (page.cursor !== cursor) return;
    this.pages[number] = page;
    // Between pages that follow each other an id stands once; a page that is asked for again is as it is now.
    page.rows = [...rows];
    page.size = rows.length;
    for (const row of rows) {
      this.places.set(row.runId, row);
      this.waiting.delete(row.runId);
    }
    if (number === this.pages.length - 1) this.nextCursor = next;
    if (number === 0 && rows[0] !== undefined) this.top = rows[0];
    this.drop(near);
  }

  /** Applies rows that changed. `isShown` says whether a row that is not here belongs into this list. True: something is to be drawn. */
  apply(rows: readonly ActivityRow[], isShown: (row: ActivityRow) => boolean): boolean {
    let isChanged = false;
    for (const row of rows) {
      const known = this.places.get(row.runId);
      if (known !== undefined) {
        if (row.version <= known.version) continue;
        this.replace(row);
        isChanged = true;
      } else if (this.isNew(row) && isShown(row)) {
        // More than that nobody counts; the list is read anew when they are taken.
        if (this.waiting.size < 10_000) this.waiting.add(row.runId);
        isChanged = true;
      }
    }
    return isChanged;
  }

  /** Puts rows that are new at the top. False where the list should be read anew instead: they do not follow on what is here. */
  prepend(rows: readonly ActivityRow[]): boolean {
    const first = this.pages[0];
    const top = first?.rows?.[0];
    if (first?.rows === undefined || first.size + rows.length > LONGEST_PAGE) return false;
    const fresh = rows.filter((row) => !this.places.has(row.runId)).toSorted((a, b) => (b.key ?? 0) - (a.key ?? 0));
    if (fresh.some((row) => row.key === null || (top?.key != null && row.key <= top.key))) return false;
    first.rows.unshift(...fresh);
    first.size += fresh.length;
    this.top = first.rows[0];
    for (const row of fresh) {
      this.places.set(row.runId, row);
      this.waiting.delete(row.runId);
    }
    return true;
  }

  /** A row that started before the newest one of a list that goes on is merely not read yet. */
  private isNew(row: ActivityRow): boolean {
    const { top } = this;
    if (top === undefined) return this.hasBegun;
    if (row.key === null || top.key === null) return row.startedAt > top.startedAt;
    return row.key > top.key;
  }

  private replace(row: ActivityRow): void {
    this.places.set(row.runId, row);
    for (const { rows } of this.pages) {
      const place = rows?.findIndex((one) => one.runId === row.runId) ?? -1;
      if (rows !== undefined && place !== -1) {
        rows[place] = row;
        return;
      }
    }
  }

  private drop(near: number): void {
    let before = 0;
    const distances = this.pages.map((page, number) => {
      const distance = Math.max(0, before - near, near - (before + page.size));
      before += page.size;
      return { number, page, distance };
    });
    for (const { page } of distances.toSorted((a, b) => b.distance - a.distance)) {
      if (this.places.size <= MOST_ROWS) return;
      for (const row of page.rows ?? []) this.places.delete(row.runId);
      page.rows = undefined;
    }
  }
}
