import type { Buffer } from "node:buffer";
import { WORTH_A_LOOK } from "../http/json-shape.js";
import { isPlainText, printAround } from "../protocol/plain-text.js";

/** From here on a blob goes past the JSON parser and printer, which would take several times as long as the codec does. */
const LARGE_BLOB_BYTES = 32 * 1024;
const KEY = '"blob":"';
/** Stands for a blob in a document. Made on first use: randomness is dear to load for a process that starts. */
let mark: string | undefined;

/**
 * The task input that bytes hold, where its arguments are a large blob, and what is around it is small. Undefined for all
 * others: they are for the JSON parser to read, and to find faults with.
 */
export function parseAroundBlob(bytes: Buffer): object | undefined {
  const begin = bytes.indexOf(KEY) + KEY.length;
  const end = bytes.indexOf('"', begin);
  if (begin < KEY.length || end - begin < LARGE_BLOB_BYTES || bytes.length - (end - begin) > WORTH_A_LOOK)
    return undefined;
  const blob = bytes.subarray(begin, end);
  const around = [bytes.subarray(0, begin), bytes.subarray(end)].map((part) => part.toString());
  if (!isPlainText(blob) || around.join().includes("\ufffd")) return undefined;
  mark ??= crypto.randomUUID();
  try {
    const document = JSON.parse(around.join(mark)) as { readonly payloads: { readonly arguments: { blob: string } } };
    const envelope = document.payloads.arguments;
    // It may have been another field of that name.
    if (envelope.blob !== mark) return undefined;
    envelope.blob = blob.toString("latin1");
    return document;
  } catch {
    return undefined;
  }
}

interface Blobs {
  readonly result?: { readonly payload?: { readonly blob?: unknown } | null } | null;
}

/** The bytes of a result with a large blob; undefined for all others. */
export function printAroundBlob(document: object): Uint8Array | undefined {
  const blob = (document as Blobs).result?.payload?.blob;
  return typeof blob === "string" && blob.length >= LARGE_BLOB_BYTES ? printAround(document, blob) : undefined;
}
