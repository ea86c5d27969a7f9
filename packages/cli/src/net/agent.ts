import { Agent } from "undici";

/** How far the other side is trusted, and what it is shown of this one. */
export interface TlsSettings {
  /** Whether its certificate must be valid. Default true. */
  readonly verify?: boolean;
  /** A client certificate with its key, both in PEM. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/**
 * A connection for each request: one that is kept may be closed by the other side just when it is used again, which would
 * be told as a fault that nobody made.
 */
const PIPELINING = 0;
const plain = new Agent({ pipelining: PIPELINING });
const trusting = new Agent({ pipelining: PIPELINING, connect: { rejectUnauthorized: false } });

/** What carries a request to a URL. */
export function agentFor(_url: URL, { verify = true, client }: TlsSettings): Agent {
  if (client === undefined) return verify ? plain : trusting;
  return new Agent({ pipelining: PIPELINING, connect: { rejectUnauthorized: verify, ...client } });
}
