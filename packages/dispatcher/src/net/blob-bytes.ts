import { isAscii } from "node:buffer";
import { randomUUID } from "node:crypto";
import { isPlainText, printAround } from "@durable-workflow/carrier/protocol";
import { fieldOf } from "@durable-workflow/engine-protocol";
import type { Lent } from "./lent-memory.js";

/**
 * The blob of a payload as the bytes of its text: what lies in the engine's store, what is hashed, and what goes between
 * the quotes of a JSON document as it is. Large ones are never made a string: that, and a copy for each step, costs several
 * times their size. Nothing is in it that a JSON document would have to escape.
 */
export interface BlobPayload {
  readonly codec: string;
  readonly bytes: Buffer;
}

/** From here on a blob stays bytes; smaller ones are strings, as in any other document. */
export const LARGE_BLOB_BYTES = 16 * 1024;

const QUOTE = 0x22;
const COLON = 0x3a;
const WHITESPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** A document as JSON; as bytes where a payload in it is large, which then goes past the printer of JSON. */
export function printDocument(document: object, envelope: unknown): string | Uint8Array {
  const blob = fieldOf(envelope, "blob");
  const isLarge = typeof blob === "string" && blob.length >= LARGE_BLOB_BYTES;
  return (isLarge ? printAround(document, blob) : undefined) ?? JSON.stringify(document);
}

/** A document with one large blob in it, as it is sent. */
export interface BlobBody {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
}

/** A document as it is sent. */
export type DeliveryBody = string | BlobBody;

/**
 * A JSON document around a blob, without a copy of the blob.
 *
 * @param documentOf makes the document, with the text it is given where the blob belongs
 */
export function bodyAround(blob: Buffer, documentOf: (placeholder: string) => unknown): BlobBody {
  const placeholder = randomUUID();
  const [head = "", tail = ""] = JSON.stringify(documentOf(placeholder)).split(placeholder);
  const chunks = [Buffer.from(head), blob, Buffer.from(tail)];
  return { chunks, bytes: chunks.reduce((sum, { length }) => sum + length, 0) };
}

/** A JSON text whose large blobs were left out. */
export interface LeanText {
  /** With a placeholder for each blob. */
  readonly text: string;
  /** By placeholder. They are part of the bytes that were read. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** Whose memory those lie in; undefined where it is their own. */
  readonly lent?: Lent | undefined;
}

/**
 * The document that a text holds, its blobs in their places. Those of payload envelopes become strings only for whoever asks for
 * `blob`; {@link blobPayloadOf} has them as bytes. They hold memory that is lent until {@link releaseBlob}.
 *
 * @throws {SyntaxError}
 */
export function parseLean({ text, blobs, lent }: LeanText): unknown {
  const document: unknown = JSON.parse(text);
  // Searched for here: `JSON.parse` itself takes ten times as long with a function for each value.
  return blobs.size === 0 ? document : withBlobs(document, blobs, lent);
}

function withBlobs(value: unknown, blobs: LeanText["blobs"], lent: Lent | undefined): unknown {
  if (typeof value === "string") return blobs.get(value)?.toString("latin1") ?? value;
  if (typeof value !== "object" || value === null) return value;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    const bytes = key === "blob" ? blobs.get(holder[key] as string) : undefined;
    if (bytes === undefined) {
      const found = holder[key];
      const whole = withBlobs(found, blobs, lent);
      if (whole !== found) holder[key] = whole;
    } else holdBytes(holder, bytes, lent);
  }
  return value;
}

const bytesByHolder = new WeakMap<object, { readonly bytes: Buffer; readonly lent: Lent | undefined }>();

function holdBytes(holder: object, bytes: Buffer, lent: Lent | undefined): void {
  lent?.hold();
  bytesByHolder.set(holder, { bytes, lent });
  defineBlob(holder, {
    get() {
      if (!bytesByHolder.has(holder)) throw new Error("The blob of this payload was released.");
      const value = bytes.toString("latin1");
      defineBlob(holder, { value, writable: true });
      return value;
    },
  });
}

function defineBlob(holder: object, how: PropertyDescriptor): void {
  Object.defineProperty(holder, "blob", { enumerable: true, configurable: true, ...how });
}

/**
 * Nobody looks at the bytes of an envelope any more: other answers come to lie where they were. Its `blob` stays for whoever has
 * asked for it before.
 */
export function releaseBlob(envelope: object | null): void {
  const held = envelope === null ? undefined : bytesByHolder.get(envelope);
  if (envelope === null || held === undefined) return;
  bytesByHolder.delete(envelope);
  held.lent?.release();
}

/** The payload that an envelope of an answer holds as bytes; undefined for any other, and where it holds more than that. */
export function blobPayloadOf(envelope: object | null): BlobPayload | undefined {
  const bytes = envelope === null ? undefined : bytesByHolder.get(envelope)?.bytes;
  const codec = fieldOf(envelope, "codec");
  const isAll = bytes !== undefined && Object.keys(envelope ?? {}).length === 2;
  return isAll && typeof codec === "string" ? { codec, bytes } : undefined;
}

/** The text as it was. */
export function wholeText({ text, blobs }: LeanText): string {
  let whole = text;
  // A function, since what stands for a text in a replacement may have a meaning of its own.
  for (const [placeholder, bytes] of blobs) whole = whole.replace(placeholder, () => bytes.toString("latin1"));
  return whole;
}

const KEY = Buffer.from('"blob"');
const NO_BLOBS: ReadonlyMap<string, Buffer> = new Map();

/**
 * Takes the large values of `blob` fields out of a JSON text. Nothing else of it changes: what is taken out is what stands
 * between two quotes and needs no escapes. Undefined for bytes that are no UTF-8.
 *
 * @param lent whose memory the bytes lie in. Default: their own
 */
export function withoutLargeBlobs(bytes: Buffer, lent?: Lent): LeanText | undefined {
  // Most documents have no room for one.
  if (bytes.length <= LARGE_BLOB_BYTES) {
    const all = decodeText(bytes);
    return all === undefined ? undefined : { text: all, blobs: NO_BLOBS };
  }
  const blobs = new Map<string, Buffer>();
  const parts: Buffer[] = [];
  let kept = 0;
  for (let key = bytes.indexOf(KEY); key >= 0; ) {
    const begin = valueBegin(bytes, key + KEY.length);
    const end = begin === undefined ? -1 : bytes.indexOf(QUOTE, begin);
    let next = key + KEY.length;
    if (begin !== undefined && end - begin >= LARGE_BLOB_BYTES && isPlainText(bytes.subarray(begin, end))) {
      const placeholder = randomUUID();
      blobs.set(placeholder, bytes.subarray(begin, end));
      parts.push(bytes.subarray(kept, begin), Buffer.from(placeholder));
      kept = end;
      next = end;
    }
    key = bytes.indexOf(KEY, next);
  }
  const text = decodeText(parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(kept)]));
  return text === undefined ? undefined : { text, blobs, lent };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decodeText(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString("latin1");
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where the text of a string begins that is the value of the key which ends here. */
function valueBegin(bytes: Buffer, keyEnd: number): number | undefined {
  let at = keyEnd;
  const skip = (): void => {
    while (WHITESPACE.has(bytes[at])) at++;
  };
  skip();
  if (bytes[at] !== COLON) return undefined;
  at++;
  skip();
  return bytes[at] === QUOTE ? at + 1 : undefined;
}
