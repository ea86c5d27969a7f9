import { ExternalPayloadIntegrityError } from "./errors.js";

/** A body as clients hand it out: Node's streams and async generators are iterable, some platforms' web streams are not. */
export type BodyStream = IterableBodyStream | WebBodyStream;

/** A stream of bytes that can be looped over. */
export interface IterableBodyStream extends AsyncIterable<Uint8Array> {
  /** Ends the request without reading on. Default: the iterator's `return`. */
  destroy?(): unknown;
}

/** The part of a `ReadableStream` that is needed here. */
export interface WebBodyStream {
  getReader(): {
    read(): Promise<{ done: true; value?: undefined } | { done: false; value: Uint8Array }>;
    cancel(): Promise<void>;
  };
}

export interface ReadBodyOptions {
  /** How many bytes there are said to be. */
  readonly expected: number;
  /** The length that the store announced; undefined for none. */
  readonly announced?: number | undefined;
  /** Ends the reading when aborted: many clients let go of their signal once the body has begun. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a body into memory of the size it is said to have. One that announces another length is refused before it is read,
 * one that turns out to be larger is cut off there and then, and both times the request is ended.
 *
 * @throws {ExternalPayloadIntegrityError} when the size differs
 */
export async function readBody(body: BodyStream, options: ReadBodyOptions): Promise<Uint8Array> {
  const { expected, announced, signal } = options;
  const chunks = chunksOf(body);
  const end = (): void => {
    // That a stream does not want to end is no news by then.
    if ("destroy" in body && body.destroy !== undefined) body.destroy();
    else chunks.return?.().catch(() => {});
  };
  signal?.addEventListener("abort", end, { once: true });
  try {
    signal?.throwIfAborted();
    if (announced !== undefined && announced !== expected) throw sizeMismatch(expected, announced);
    const bytes = await collect(chunks, expected);
    signal?.throwIfAborted();
    return bytes;
  } catch (error) {
    end();
    throw error;
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

async function collect(chunks: AsyncIterator<Uint8Array>, expected: number): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  let length = 0;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    const chunk = next.value;
    if (length + chunk.length > expected) throw sizeMismatch(expected, "more");
    // Only once the store has begun to answer: a reference alone must not cost its size in memory.
    bytes ??= new Uint8Array(expected);
    bytes.set(chunk, length);
    length += chunk.length;
  }
  if (length !== expected) throw sizeMismatch(expected, length);
  return bytes ?? new Uint8Array();
}

export function sizeMismatch(expected: number, received: number | "more"): ExternalPayloadIntegrityError {
  return new ExternalPayloadIntegrityError("size", String(expected), String(received));
}

function chunksOf(body: BodyStream): AsyncIterator<Uint8Array> {
  if (Symbol.asyncIterator in body) return body[Symbol.asyncIterator]();
  const reader = body.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done, value } : { done, value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
