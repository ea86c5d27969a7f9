import type { ConnectionOptions } from "node:tls";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import type { Lookup } from "./guard.js";

/** How connections are made. */
export interface ConnectSettings extends Pick<ConnectionOptions, "ca" | "cert" | "key" | "rejectUnauthorized"> {
  /** Looks names up where there is no proxy; a proxy looks them up itself. */
  readonly lookup?: Lookup;
  /** In milliseconds. */
  readonly timeout: number;
}

/** What requests are sent with. Limits on answers are the caller's own; connections are not limited. */
export function createAgent(connect: ConnectSettings, proxy?: URL): Dispatcher {
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  if (proxy === undefined) return new Agent({ connect, ...limits });
  const { timeout, lookup: _, ...tls } = connect;
  return new ProxyAgent({
    uri: proxy.href,
    // Plain http is forwarded, as proxies expect: many open no tunnel to port 80.
    proxyTunnel: false,
    proxyTls: { timeout },
    requestTls: { timeout, ...tls },
    ...limits,
  });
}
