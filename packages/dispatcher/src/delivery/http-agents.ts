import type { Dispatcher } from "undici";
import { type ConnectSettings, createAgent } from "../net/agents.js";
import type { NetworkGuard } from "../net/guard.js";
import type { Credential } from "./credentials.js";

export interface HttpAgentsOptions {
  readonly guard: NetworkGuard;
  readonly connectTimeoutMs: number;
  /** Certificates in PEM that carriers' own may be signed by. Default: those that Node trusts. */
  readonly ca?: string | undefined;
}

const MOST_AGENTS = 50;

/** The connections to carriers that are kept, by proxy and client certificate. */
export class HttpAgents {
  private readonly options: HttpAgentsOptions;
  private readonly kept = new Map<string, Dispatcher>();

  constructor(options: HttpAgentsOptions) {
    this.options = options;
  }

  /** One of its own, which is the caller's to end. */
  create(credential: Credential, proxy: URL | undefined): Dispatcher {
    const { guard, connectTimeoutMs, ca } = this.options;
    const connect: ConnectSettings = {
      lookup: guard.lookup,
      timeout: connectTimeoutMs,
      ...(ca === undefined ? {} : { ca }),
      ...(credential.type === "mtls" ? { cert: credential.cert, key: credential.key } : {}),
    };
    return createAgent(connect, proxy);
  }

  /** The one that is kept for these. */
  for(credential: Credential, proxy: URL | undefined): Dispatcher {
    const certificate = credential.type === "mtls" ? `${credential.cert}\n${credential.key}` : "";
    const name = `${proxy?.href ?? ""}\n${certificate}`;
    let agent = this.kept.get(name);
    if (agent === undefined) {
      agent = this.create(credential, proxy);
      this.kept.set(name, agent);
      this.forgetOldest();
    }
    return agent;
  }

  /** Certificates are replaced by new ones: the oldest is done with, once what it has in flight is. */
  private forgetOldest(): void {
    const [oldest] = this.kept;
    if (oldest === undefined || this.kept.size <= MOST_AGENTS) return;
    this.kept.delete(oldest[0]);
    void oldest[1].close();
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.kept.values(), (agent) => agent.destroy()));
  }
}
