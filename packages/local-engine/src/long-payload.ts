import { randomUUID } from "node:crypto";

/** Stands for the text of a payload in JSON. Nobody can have put it there before. */
const MARK = randomUUID();
/** Read in pieces: a string of a megabyte is dear to have and to collect, one of this size is not. A multiple of three. */
const PIECE_BYTES = 49_152;

let marked: LongPayload | undefined;

/** An encoded payload that is long, as the bytes that its base64 text stands for. The bytes do not change any more. */
export class LongPayload {
  /** Of its text. */
  readonly length: number;
  private held: Buffer | undefined;
  private readonly giveBack: (() => void) | undefined;

  /** @param giveBack gives the memory of the bytes back to where it was lent. Default: it is the payload's own */
  constructor(bytes: Uint8Array, giveBack?: () => void) {
    this.held = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = Math.ceil(bytes.length / 3) * 4;
    this.giveBack = giveBack;
  }

  get bytes(): Buffer {
    if (this.held === undefined) throw new Error("the memory of a payload was given back before all was done with it");
    return this.held;
  }

  /**
   * Nobody asks for it any more: where its memory was lent, it goes back there. Without that it is collected as garbage, at a
   * higher price.
   */
  release(): void {
    if (this.giveBack === undefined || this.held === undefined) return;
    this.held = undefined;
    this.giveBack();
  }

  text(): string {
    return this.bytes.toString("base64");
  }

  /** Writes the text into memory that has room for it. */
  writeText(target: Buffer): void {
    const { bytes } = this;
    let written = 0;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      written += target.write(bytes.toString("base64", at, at + PIECE_BYTES), written, "latin1");
    }
  }

  /** In JSON it is its text. */
  toJSON(): string {
    return marked === this ? MARK : this.text();
  }
}

/** The JSON of a document before and after the text of a payload; undefined where the document does not have it just once. */
export function jsonAround(
  document: object,
  payload: LongPayload,
): readonly [before: string, after: string] | undefined {
  marked = payload;
  try {
    const [before, after, ...more] = JSON.stringify(document).split(MARK);
    return before === undefined || after === undefined || more.length > 0 ? undefined : [before, after];
  } finally {
    marked = undefined;
  }
}
