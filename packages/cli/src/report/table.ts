import type { Palette } from "../shell/command.js";
import { cut, printable } from "../shell/terminal-text.js";
import { inOneLine } from "./words.js";

export interface Cell {
  readonly text: string;
  readonly paint?: keyof Palette;
}

const GAP = "  ";
/** Less than this of the last column says nothing: it then goes on in the next line. */
const LEAST_ROOM = 60;

/**
 * Rows below their headings, in columns that line up. Text of several lines becomes one, and the last column is cut where
 * the terminal ends; elsewhere (`columns` undefined) nothing is cut.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  { paint, columns }: { readonly paint: Palette; readonly columns: number | undefined },
): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)).map(flat));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.text.length ?? 0)),
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(LEAST_ROOM, columns - before);
  const line = (row: readonly Cell[], style?: keyof Palette): string =>
    row
      .map(({ text, paint: own }, column) => {
        const isLast = column === headings.length - 1;
        const shown = isLast ? cut(text, room) : text;
        const chosen = own ?? style;
        const painted = chosen === undefined ? shown : paint[chosen](shown);
        return isLast ? painted : painted + " ".repeat(Math.max(0, (widths[column] ?? 0) - shown.length));
      })
      .join(GAP)
      .trimEnd();
  const head = headings.map((text) => ({ text }));
  return [line(head, "dim"), ...cells.map((row) => line(row))].join("\n");
}

function flat(cell: Cell): Cell {
  // As it will be written, so that it is as wide as it is taken for.
  return { ...cell, text: printable(inOneLine(cell.text)) };
}
