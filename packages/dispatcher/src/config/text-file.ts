import { readFile } from "node:fs/promises";

/** A file is not UTF-8 text. The message quotes nothing of it. */
export class NotTextError extends Error {
  override readonly name = "NotTextError";

  constructor() {
    super("The file is not UTF-8 text: save it as UTF-8.");
  }
}

/**
 * The text of a file, without the byte order mark that some editors put before it.
 *
 * @throws {NotTextError} for a file that is not UTF-8: decoding it anyway would change it silently
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new NotTextError();
  }
}
