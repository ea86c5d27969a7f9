import { writeSync } from "node:fs";

const STANDARD_OUTPUT = 1;
/** How long to wait for a reader that has too much to read already. */
const WAIT_MS = 10;
/** Nobody reads any more. */
const CLOSED = new Set(["EPIPE", "ECONNRESET", "EOF"]);

const sleeper = new Int32Array(new SharedArrayBuffer(4));
let isClosed = false;

/**
 * Writes text to standard output, all of it, before it returns: a reader that is slow is waited for. Once nobody reads any more it
 * does nothing.
 *
 * @throws the system's error for everything else, such as a full disk
 */
export function writeToStandardOutput(text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0 && !isClosed) {
    try {
      rest = rest.subarray(writeSync(STANDARD_OUTPUT, rest));
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (CLOSED.has(code)) isClosed = true;
      else if (code === "EAGAIN" || code === "EBUSY") Atomics.wait(sleeper, 0, 0, WAIT_MS);
      else throw error;
    }
  }
}
