import { WORTH_A_LOOK } from "../http/json-shape.js";
import { isPlainText } from "../protocol/plain-text.js";

export { printAround } from "../protocol/plain-text.js";

const KEY = '"blob":"';
/** Stands for a blob in a document. Made on first use: randomness is dear to load for a process that starts. */
let mark: string | undefined;

/** Memory that is larger is not kept: it holds any task within the default limits of payloads. */
const MOST_KEPT_BYTES = 2 ** 22;
let kept = Buffer.alloc(0);

/** All pieces in one, until the next call: new memory of that size costs more than what is done with it. */
function joined(chunks: readonly Buffer[], size: number): Buffer {
  const memory = size > kept.length ? Buffer.allocUnsafeSlow(size) : kept;
  if (size <= MOST_KEPT_BYTES) kept = memory;
  chunks.reduce((at, chunk) => at + chunk.copy(memory, at), 0);
  return memory.subarray(0, size);
}

/** As `parseAroundBlob` of `large-blobs.ts` has it. What it gives has nothing of the memory that it looks at. */
export function parseAroundBlob(chunks: readonly Buffer[], size: number, largeBytes: number): object | undefined {
  const bytes = joined(chunks, size);
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
