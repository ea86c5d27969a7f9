import type { Readable } from "node:stream";

/**
 * Gives what comes of a body to `take`, piece by piece, until the end. By events: an iterator would cost as much again as
 * reading does, for each piece of a large body.
 *
 * @param take false gives the rest of the body, and its connection, up
 * @returns whether the body has come to its end
 * @throws (as a rejection) the body's own error, and one where it was closed before its end
 */
export function readChunks(body: Readable, take: (chunk: Uint8Array) => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // It stays: giving a body up is an error to it, which nobody else waits for.
    body.on("error", reject);
    if (body.destroyed) {
      reject(body.errored ?? new Error("the body was closed before it was read"));
      return;
    }
    body.once("end", () => resolve(true));
    body.once("close", () => reject(new Error("the body was closed before its end")));
    const read = (chunk: Uint8Array): void => {
      if (take(chunk)) return;
      body.off("data", read);
      resolve(false);
      body.destroy();
    };
    body.on("data", read);
  });
}
