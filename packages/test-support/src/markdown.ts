/**
 * The rows of the table of a page whose first heading is this, cells without white space around them; the head and the line
 * under it are not among them.
 *
 * @throws where there is no such table
 */
export function markdownTable(page: string, firstHeading: string): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const begin = lines.findIndex((line) => cellsOf(line)[0] === firstHeading);
  if (begin === -1) throw new Error(`there is no table that begins with ${firstHeading}`);
  const rest = lines.slice(begin + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end === -1 ? undefined : end).map(cellsOf);
}

function cellsOf(line: string): readonly string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}
