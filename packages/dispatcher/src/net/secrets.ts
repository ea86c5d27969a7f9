/** Shorter ones are as likely to be ordinary words, and replacing them would garble what is shown. */
const SHORTEST = 6;

/**
 * The credentials in use. What others say (error pages, standard error) is passed through it before it is shown or
 * reported: a server may echo what it was sent.
 */
export class Secrets {
  private readonly known = new Set<string>();

  add(secret: string | null | undefined): void {
    if (typeof secret === "string" && secret.length >= SHORTEST) this.known.add(secret);
  }

  /** The text with every known credential replaced. */
  scrub(text: string): string {
    let clean = text;
    for (const secret of this.known) clean = clean.replaceAll(secret, "[redacted]");
    return clean;
  }
}
