import type { Environment } from "../config/profiles.js";
import { AuthorizerError } from "../delivery/authorizer.js";
import { createAgent } from "../net/agents.js";
import { headerOf, readBoundedBody } from "../net/bounded-body.js";
import { describeNetworkError } from "../net/network-error.js";
import { Proxies } from "../net/proxies.js";
import { unlessAborted } from "../net/unless-aborted.js";
import { type Clock, timerDelay } from "../time/clock.js";

const TIMEOUT_MS = 10_000;
const LIMIT_BYTES = 256 * 1024;

export interface ExchangeOptions {
  /** In messages, as in `the metadata server`. */
  readonly who: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly clock: Clock;
  /** Names the proxies. Default: none is used. */
  readonly environment?: Environment;
}

export interface Exchanged {
  readonly status: number;
  readonly text: string;
  readonly header: (name: string) => string | undefined;
}

/**
 * Asks a service that gives out credentials. Redirects are not followed, and carriers' rules of addresses do not hold: what is
 * asked is what the authorizer was made for.
 *
 * @throws {AuthorizerError} when there is no answer within 10 s, or one of more than 256 KiB
 */
export async function exchange(
  url: URL,
  { who, method, headers, body, clock, environment }: ExchangeOptions,
): Promise<Exchanged> {
  const proxy = environment === undefined ? undefined : new Proxies(environment).proxyFor(url);
  const agent = createAgent({ timeout: TIMEOUT_MS }, proxy);
  const abort = new AbortController();
  const cancel = clock.schedule(timerDelay(TIMEOUT_MS), () => abort.abort());
  const path = url.pathname + url.search;
  try {
    const response = await unlessAborted(
      abort.signal,
      agent.request({ origin: url.origin, path, method, headers, body: body ?? null, signal: abort.signal }),
    );
    const encoding = headerOf(response.headers, "content-encoding");
    const read = await readBoundedBody(response.body, encoding, LIMIT_BYTES);
    if (read.problem !== undefined) throw new AuthorizerError(`the answer of ${who} cannot be read (${read.problem})`);
    return { status: response.statusCode, text: read.text, header: (name) => headerOf(response.headers, name) };
  } catch (error) {
    if (error instanceof AuthorizerError) throw error;
    const why = abort.signal.aborted ? "in time" : `(${describeNetworkError(error)})`;
    throw new AuthorizerError(`${who} gave no answer ${why}`);
  } finally {
    cancel();
    void agent.destroy();
  }
}
