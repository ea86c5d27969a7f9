/** What others wrote, made short. Never in the middle of a character. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = text.charCodeAt(most - 1) >= 0xd8_00 && text.charCodeAt(most - 1) <= 0xdb_ff ? most - 1 : most;
  return text.slice(0, end);
}

/** The same in one line. */
export function lineOf(text: string, most: number): string {
  return cutText(cutText(text, most * 4).replaceAll(/\s+/g, " "), most);
}
