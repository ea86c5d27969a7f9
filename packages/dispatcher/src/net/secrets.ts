/** Shorter ones are as likely to be ordinary words, and replacing them would garble what is shown. */
const SHORTEST = 6;
/** How much of a large blob is decoded at once, in characters of base64. */
const DECODED_AT_ONCE = 64 * 1024;
/** Encoded forms of shorter ones are found by chance in what is binary. */
const SHORTEST_ENCODED = 8;
const REDACTED = "[redacted]";

/** Takes credentials out of what others wrote. */
export interface Scrubber {
  /** The text with every known credential replaced, as it is, in base64, in hexadecimal or percent-encoded. */
  scrub(text: string): string;
  /** The same for what a base64 text holds; every byte keeps its place, so that what frames the text stays true. */
  scrubBase64(base64: string): string;
  /** The same for the bytes of such a text; they are copied only where something is found. */
  scrubBlob(bytes: Buffer): Buffer;
}

/** Leaves everything as it is. */
export const NO_SECRETS: Scrubber = {
  scrub: (text) => text,
  scrubBase64: (base64) => base64,
  scrubBlob: (bytes) => bytes,
};

/**
 * The credentials in use. What others say (results, failures, error pages, standard error) is passed through it before it is
 * shown or reported: a server may echo what it was sent. Not found is what is encrypted, compressed or cut in two.
 */
export class Secrets implements Scrubber {
  private readonly known = new Set<string>();
  /** Longest first: what encloses another form is replaced as a whole. */
  private forms: readonly string[] = [];

  add(secret: string | null | undefined): void {
    if (typeof secret !== "string" || secret.length < SHORTEST || this.known.has(secret)) return;
    this.known.add(secret);
    const forms = new Set([...this.known].flatMap(formsOf));
    this.forms = [...forms].toSorted((left, right) => right.length - left.length);
  }

  scrub(text: string): string {
    let clean = text;
    for (const form of this.forms) clean = clean.replaceAll(form, REDACTED);
    return clean;
  }

  scrubBase64(base64: string): string {
    if (this.forms.length === 0) return base64;
    const bytes = Buffer.from(base64, "base64");
    let found = false;
    for (const form of this.forms) {
      for (let at = bytes.indexOf(form, 0, "latin1"); at >= 0; at = bytes.indexOf(form, at + form.length, "latin1")) {
        found = true;
        bytes.fill("*", at, at + form.length);
        bytes.write(REDACTED, at, Math.min(REDACTED.length, form.length), "latin1");
      }
    }
    return found ? bytes.toString("base64") : base64;
  }

  scrubBlob(blob: Buffer): Buffer {
    return this.isInBlob(blob) ? Buffer.from(this.scrubBase64(blob.toString("latin1")), "latin1") : blob;
  }

  private isInBlob(blob: Buffer): boolean {
    const [longest] = this.forms;
    if (longest === undefined) return false;
    const overlap = overlapOf(longest.length);
    for (let at = 0; at < blob.length; at += DECODED_AT_ONCE) {
      const bytes = Buffer.from(blob.toString("latin1", at, at + DECODED_AT_ONCE + overlap), "base64");
      if (this.forms.some((form) => bytes.includes(form, 0, "latin1"))) return true;
    }
    return false;
  }
}

/** Characters of base64 that hold so many bytes, wherever they begin. */
function overlapOf(bytes: number): number {
  return (Math.ceil(bytes / 3) + 1) * 4;
}

function formsOf(secret: string): readonly string[] {
  const forms = new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).replace(/^"|"$/g, "")]);
  if (secret.length >= SHORTEST_ENCODED) {
    const bytes = Buffer.from(secret, "latin1");
    forms.add(bytes.toString("hex")).add(bytes.toString("hex").toUpperCase());
    for (const core of base64Cores(bytes)) forms.add(core).add(core.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...forms];
}

/**
 * What base64 of any text with these bytes in it holds, whatever is before and after them: they may begin at each of the
 * three places of a group, and the digits at both ends are their neighbours', too.
 */
function base64Cores(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = before === 0 ? 0 : before + 1;
    const last = (before + bytes.length) % 3 === 0 ? text.length : text.length - 1;
    return text.substring(first, last);
  });
}
