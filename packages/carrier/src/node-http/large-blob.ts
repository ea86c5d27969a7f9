import { WORTH_A_LOOK } from "../http/json-shape.js";
import { isPlainText } from "../protocol/plain-text.js";

export { printAround } from "../protocol/plain-text.js";

const KEY = '"blob":"';
/** Stands for a blob in a document. Made on first use: randomness is dear to load for a process that starts. */
let mark: string | undefined;

/** As `parseAroundBlob` of `large-blobs.ts` has it. */
export function parseAroundBlob(bytes: Buffer, largeBytes: number): object | undefined {
  const begin = bytes.indexOf(KEY) + KEY.length;
  const end = bytes.indexOf('"', begin);
  if (begin < KEY.length || end - begin < largeBytes || bytes.length - (end - begin) > WORTH_A_LOOK) return undefined;
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
