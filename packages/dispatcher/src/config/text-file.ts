import { readFile } from "node:fs/promises";

/** A file is no UTF-8 text. Its message holds nothing of it. */
export class NotTextError extends Error {
  override readonly name = "NotTextError";

  constructor() {
    super("The file is not UTF-8 text: save it as UTF-8.");
  }
}

/**
 * The text of a file, without the byte order mark that some editors put before it.
 *
 * @throws {NotTextError} for what is not UTF-8: read all the same, it would be changed without a word
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new NotTextError();
  }
}
