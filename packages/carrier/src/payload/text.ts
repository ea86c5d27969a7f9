/** The lib of this library's age does not have it; its runtimes do, from Node 20 on. */
interface WellFormed {
  isWellFormed(): boolean;
}

/** False when the text holds half of a surrogate pair, which UTF-8 cannot express. */
export function isWellFormed(text: string): boolean {
  return (text as unknown as WellFormed).isWellFormed();
}
