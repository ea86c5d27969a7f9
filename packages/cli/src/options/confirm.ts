import { createInterface } from "node:readline";
import { CliError, type CliIo, EXIT } from "../shell/command.js";

/**
 * Asks a question that wants a yes, on standard error, and reads the answer. Anything but `y` or `yes` is a no.
 *
 * @param json whether nobody is there to be asked, as the command prints JSON
 * @throws {CliError} with exit code 2 where nobody can be asked
 */
export async function confirmed(question: string, json: boolean, io: CliIo): Promise<boolean> {
  const isTerminal = (io.stdin as { readonly isTTY?: boolean }).isTTY === true;
  if (json || !isTerminal) {
    throw new CliError(
      EXIT.usage,
      `${question} There is nobody to be asked`,
      "Say --yes, once you have seen what it is about.",
    );
  }
  io.err(`${question} [y/N] `);
  const lines = createInterface({ input: io.stdin });
  const stop = (): void => lines.close();
  io.signal.addEventListener("abort", stop);
  try {
    for await (const line of lines) return /^\s*y(?:es)?\s*$/i.test(line);
    return false;
  } finally {
    io.signal.removeEventListener("abort", stop);
    lines.close();
  }
}
