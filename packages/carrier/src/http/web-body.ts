import { InvocableBodyError } from "./body-error.js";

/** Of a body that was refused, what is read and dropped before the connection is given up: 64 MiB. */
const MOST_DROPPED_BYTES = 64 * 1024 * 1024;
/** How long an answer waits for the next piece of a body that is dropped. */
const QUIET_MS = 250;

/** What is used of a stream: the types of Node, workers and browsers differ in the rest. */
export interface WebStream {
  readonly locked: boolean;
  getReader(): WebStreamReader;
}

export interface WebStreamReader {
  read(): Promise<{ readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<unknown>;
  releaseLock(): void;
}

/** What is used of a `Request` of the Fetch API to read its body. */
export interface WebBody {
  readonly body: WebStream | null | undefined;
  readonly bodyUsed: boolean;
  text(): Promise<string>;
}

/**
 * The body, read up to the limit.
 *
 * @throws {InvocableBodyError} (as a rejection) for one that was read before
 */
export async function readWebBody(
  request: WebBody,
  limitBytes: number,
  take: (bytes: number) => boolean,
): Promise<Uint8Array | string | undefined> {
  const { body } = request;
  if (request.bodyUsed || body?.locked === true) {
    throw new InvocableBodyError(
      "consumed",
      "The request body was read before this adapter: hand over an unread clone.",
    );
  }
  // Without streams, what a platform has is read in one go.
  if (body == null) return request.text();
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  const isWhole = await readPieces(reader, (piece) => {
    size += piece.length;
    pieces.push(piece);
    return size <= limitBytes && take(piece.length);
  });
  if (!isWhole) {
    reader.releaseLock();
    return undefined;
  }
  const whole = new Uint8Array(size);
  size = 0;
  for (const piece of pieces) {
    whole.set(piece, size);
    size += piece.length;
  }
  return whole;
}

/** Hands over one piece after the other. False where one was refused, and reading ended with it. */
async function readPieces(reader: WebStreamReader, take: (piece: Uint8Array) => boolean): Promise<boolean> {
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) return true;
    if (!take(value)) return false;
  }
}

/**
 * Reads and drops what is left of a body. It would be taken for the next request on the connection, or end it; and some
 * platforms (workerd) reset a connection that is answered before its body was read.
 *
 * @returns once the rest was read, or is too much, or does not come: the answer is not to wait for what nobody sends
 */
export function dropWebBody({ body }: WebBody): Promise<void> {
  if (body == null || body.locked) return Promise.resolve();
  const reader = body.getReader();
  return new Promise((resolve) => {
    let timer = setTimeout(resolve, QUIET_MS);
    let dropped = 0;
    const dropping = readPieces(reader, ({ length }) => {
      clearTimeout(timer);
      timer = setTimeout(resolve, QUIET_MS);
      dropped += length;
      return dropped <= MOST_DROPPED_BYTES;
    });
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    // The client went away, or the platform ended the request: nothing is left to be dropped.
    dropping.then((isWhole) => (isWhole ? undefined : reader.cancel())).then(done, done);
  });
}
