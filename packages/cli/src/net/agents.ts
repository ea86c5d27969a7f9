import { createAgent, Proxies } from "@durable-workflow/dispatcher";
import { Agent, type Dispatcher } from "undici";
import { CliError, type CliIo, EXIT } from "../shell/command.js";

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

const CONNECT_MS = 10_000;

/** What carries requests: directly, or by the proxies that the environment names. */
export class Agents {
  private readonly env: CliIo["env"];
  private proxies: Proxies | undefined;

  /** @param env `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are read as the dispatcher reads them */
  constructor(env: CliIo["env"]) {
    this.env = env;
  }

  /**
   * What carries a request to a URL; to loopback always without a proxy.
   *
   * @throws {CliError} with exit code 78 for a variable that does not hold the URL of a proxy
   */
  agentFor(url: URL, { verify = true, client }: TlsSettings): Dispatcher {
    const proxy = this.readProxies().proxyFor(url);
    if (proxy !== undefined) return createAgent({ timeout: CONNECT_MS, rejectUnauthorized: verify, ...client }, proxy);
    if (client === undefined) return verify ? plain : trusting;
    return new Agent({ pipelining: PIPELINING, connect: { rejectUnauthorized: verify, ...client } });
  }

  private readProxies(): Proxies {
    try {
      this.proxies ??= new Proxies(this.env);
      return this.proxies;
    } catch (error) {
      throw new CliError(EXIT.config, (error as Error).message);
    }
  }
}
