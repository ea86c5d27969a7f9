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
  /** Each with its forms, and how often it is held; those that stay are held forever. */
  private readonly known = new Map<string, { readonly forms: readonly string[]; holders: number }>();
  /** Longest first: what encloses another form is replaced as a whole. Those of two secrets may be alike. */
  private readonly forms: string[] = [];

  /** Knows a secret from now on. */
  add(secret: string | null | undefined): void {
    if (typeof secret === "string") this.hold(secret, Number.POSITIVE_INFINITY);
  }

  /**
   * Knows a secret until it is let go, as often as it was held: one that is made for a single request would stay forever.
   *
   * @returns lets it go; to be called once
   */
  hold(secret: string, holders = 1): () => void {
    if (secret.length < SHORTEST) return () => undefined;
    let entry = this.known.get(secret);
    if (entry === undefined) {
      entry = { forms: formsOf(secret), holders: 0 };
      this.known.set(secret, entry);
      for (const form of entry.forms) this.forms.splice(this.placeFor(form), 0, form);
    }
    entry.holders += holders;
    return () => this.letGo(secret);
  }

  private letGo(secret: string): void {
    const entry = this.known.get(secret);
    if (entry === undefined) return;
    entry.holders--;
    if (entry.holders > 0) return;
    this.known.delete(secret);
    for (const form of entry.forms) this.forms.splice(this.forms.indexOf(form), 1);
  }

  /** Before the first that is shorter. */
  private placeFor({ length }: string): number {
    let low = 0;
    let high = this.forms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.forms[middle] as string).length >= length) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  scrub(text: string): string {
    let clean = text;
    for (const form of this.forms) {
      if (form.length <= clean.length) clean = clean.replaceAll(form, REDACTED);
    }
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
