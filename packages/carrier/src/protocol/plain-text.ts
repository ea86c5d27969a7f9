const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;

/**
 * Whether bytes stand between the quotes of a JSON document as they are: ASCII without quotes, backslashes and control
 * characters, as all base64 is. Whether they are base64, too, is for whoever decodes them to say.
 */
export function isPlainText(bytes: Uint8Array): boolean {
  return !bytes.includes(QUOTE) && !bytes.includes(BACKSLASH) && isPrintable(bytes);
}

/** Whether bytes are ASCII without control characters. Sixteen at once: megabytes are looked at. */
export function isPrintable(bytes: Uint8Array): boolean {
  const lead = Math.min(bytes.length, (4 - (bytes.byteOffset % 4)) % 4);
  // Signed: engines count with such words as the machine does.
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + lead, (bytes.length - lead) >> 2);
  // The subtraction sets the highest bit of a byte below 0x20; the word itself has that of one above 0x7f. What is borrowed
  // from a neighbour can set that of one more, in a word that is told already.
  let found = 0;
  let at = 0;
  for (const end = words.length - 3; at < end; at += 4) {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    found |= a | b | c | d | (a - 0x20202020) | (b - 0x20202020) | (c - 0x20202020) | (d - 0x20202020);
  }
  for (; at < words.length; at++) found |= words[at]! | (words[at]! - 0x20202020);
  if ((found & 0x80808080) !== 0) return false;
  for (let i = 0; i < lead; i++) if (!isPrintableByte(bytes[i]!)) return false;
  for (let i = lead + words.length * 4; i < bytes.length; i++) if (!isPrintableByte(bytes[i]!)) return false;
  return true;
}

function isPrintableByte(byte: number): boolean {
  return byte >= FIRST_PRINTABLE && byte < 0x80;
}

/** Stands for a blob in a document. Where a document holds it already, it is found twice. */
const MARK = "~the blob of a payload~";

/**
 * The JSON of a document as UTF-8, with one large text in it copied and not printed, which takes a fifth of the time.
 * Undefined for a text that JSON would write in another way, or that the document has not once.
 *
 * @param blob a value in the document
 * @param memory gives room for at least so many bytes, which are written to from the front. Default: new memory
 */
export function printAround(
  document: object,
  blob: string,
  memory?: (size: number) => Uint8Array,
): Uint8Array | undefined {
  if (blob.includes('"') || blob.includes("\\")) return undefined;
  const around = JSON.stringify(document, (_, value: unknown) => (value === blob ? MARK : value)).split(MARK);
  if (around.length !== 2) return undefined;
  const encoder = new TextEncoder();
  const [head, tail] = around.map((text) => encoder.encode(text)) as [Uint8Array, Uint8Array];
  const end = head.length + blob.length;
  const size = end + tail.length;
  const bytes = memory?.(size).subarray(0, size) ?? new Uint8Array(size);
  bytes.set(head);
  const { read } = encoder.encodeInto(blob, bytes.subarray(head.length, end));
  bytes.set(tail, end);
  // Of what is not ASCII not all would fit.
  return read === blob.length && isPrintable(bytes.subarray(head.length, end)) ? bytes : undefined;
}
