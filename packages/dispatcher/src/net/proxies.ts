import { BlockList, isIP, isIPv6 } from "node:net";
import { isLoopbackHost, parseUrl } from "@durable-workflow/engine-protocol/executor-config";
import type { Environment } from "../config/profiles.js";

/**
 * The proxies that an environment names: `HTTPS_PROXY` for https, `HTTP_PROXY` for http, `NO_PROXY` for hosts without one; each
 * in lower case first. Loopback never has a proxy. `NO_PROXY` is a list of host names, which stand for their subdomains as
 * well, addresses, networks as in `10.0.0.0/8`, each of the first two with a port or not; or `*`.
 */
export class Proxies {
  private readonly byProtocol: ReadonlyMap<string, URL>;
  private readonly exceptions: readonly ((host: string, port: string) => boolean)[];

  /** @throws {TypeError} naming a variable that does not hold a proxy's URL */
  constructor(environment: Environment) {
    const byProtocol = new Map<string, URL>();
    for (const protocol of ["http", "https"] as const) {
      const url = proxyUrl(environment, `${protocol}_proxy`);
      if (url !== undefined) byProtocol.set(`${protocol}:`, url);
    }
    this.byProtocol = byProtocol;
    const entries = variable(environment, "no_proxy")?.split(/[\s,]+/) ?? [];
    this.exceptions = entries.filter((entry) => entry !== "").map(exception);
  }

  /** The proxy that requests to a URL go through; undefined for none. */
  proxyFor(url: URL): URL | undefined {
    const proxy = this.byProtocol.get(url.protocol);
    if (proxy === undefined || isLoopbackHost(url.hostname)) return undefined;
    const host = bare(url.hostname);
    const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
    return this.exceptions.some((covers) => covers(host, port)) ? undefined : proxy;
  }

  /** What proxies are shown, which must not be shown to others. */
  get secrets(): readonly string[] {
    return [...this.byProtocol.values()].flatMap(({ username, password }) => {
      if (password === "") return [];
      const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
      return [secret, Buffer.from(`${user}:${secret}`).toString("base64")];
    });
  }
}

function variable(environment: Environment, name: string): string | undefined {
  const value = [environment[name], environment[name.toUpperCase()]].find((text) => text !== undefined && text !== "");
  return value?.trim();
}

function proxyUrl(environment: Environment, name: string): URL | undefined {
  const text = variable(environment, name);
  if (text === undefined || text === "") return undefined;
  const url = parseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new TypeError(`${name.toUpperCase()} must be the http or https URL of a proxy`);
  }
  return url;
}

function exception(entry: string): (host: string, port: string) => boolean {
  if (entry === "*") return () => true;
  const [, network = "", prefix] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (isIP(bare(network)) !== 0) {
    const list = new BlockList();
    const family = isIPv6(bare(network)) ? "ipv6" : "ipv4";
    const bits = Math.min(Number(prefix), family === "ipv6" ? 128 : 32);
    list.addSubnet(bare(network), bits, family);
    return (host) => isIP(host) !== 0 && list.check(host, isIPv6(host) ? "ipv6" : "ipv4");
  }
  const [, name = entry, wanted] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  const domain = bare(name.toLowerCase()).replace(/^\*?\./, "");
  return (host, port) => {
    if (wanted !== undefined && wanted !== port) return false;
    return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
  };
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}
