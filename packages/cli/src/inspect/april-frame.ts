import { Buffer } from "node:buffer";

const LONGEST_SHOWN = 200;

/**
 * The JSON text within the framing that servers used until July 2026 (`00`, its length, the text, `02`), shortened;
 * undefined for anything else. Neither side can read the other's.
 */
export function aprilFrame(blob: string): string | undefined {
  const bytes = Buffer.from(blob, "base64");
  if (bytes[0] !== 0) return undefined;
  let length = 0;
  let factor = 1;
  let position = 1;
  for (let byte = bytes[position]; byte !== undefined && position < 6; byte = bytes[position]) {
    length += (byte & 0x7f) * factor;
    factor *= 128;
    position++;
    if (byte < 0x80) break;
  }
  // Lengths are zigzag-encoded; a negative one is odd.
  if (length % 2 !== 0 || position + length / 2 + 1 !== bytes.length) return undefined;
  const text = bytes.subarray(position, -1).toString("utf8");
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}
