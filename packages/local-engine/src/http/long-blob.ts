import { LongPayload } from "../long-payload.js";
import { sizeOfBase64 } from "../store/large-payloads.js";
import { type LongText, longMemory } from "./long-text.js";

/** Characters of base64 that are read at a time. */
const PIECE_LENGTH = 65_536;

/** The payload whose base64 a long text is; undefined for one that the store keeps as text. */
export function payloadOfBase64({ body, begin, end, giveBack }: LongText): LongPayload | undefined {
  const length = end - begin;
  const text = body.subarray(begin, end);
  const size = sizeOfBase64(length, text.toString("latin1", length - 4));
  // Decoding takes the alphabet of URLs as well.
  if (size === undefined || text.includes("-") || text.includes("_")) return undefined;
  const memory = longMemory.lend(size);
  const bytes = memory.subarray(0, size);
  let written = 0;
  for (let at = 0; at < length; at += PIECE_LENGTH) {
    const room = Math.min((PIECE_LENGTH / 4) * 3, bytes.length - written);
    // It leaps over what is no base64.
    if (bytes.write(text.toString("latin1", at, at + PIECE_LENGTH), written, "base64") !== room) {
      longMemory.giveBack(memory);
      return undefined;
    }
    written += room;
  }
  giveBack();
  return new LongPayload(bytes, () => {
    longMemory.giveBack(memory);
  });
}
