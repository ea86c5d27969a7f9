import { type LookupAddress, type LookupOptions, lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { type AddressKind, addressKind } from "./addresses.js";

/** A host leads where no task may be sent. */
export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
  readonly kind: AddressKind;

  constructor(host: string, kind: AddressKind) {
    super(`${host} resolves to a ${kind.replace("_", "-")} address, where tasks are not sent`);
    this.kind = kind;
  }
}

export interface GuardOptions {
  /** Whether private networks (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7) and reserved ranges are refused too. */
  readonly denyPrivateNetworks: boolean;
  /** Default: the system's. */
  readonly lookup?: LookupAll;
}

export type LookupAll = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** As `net.connect` takes it. */
export type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

const MOST_REMEMBERED = 1_000;

/**
 * Keeps tasks from going where their config did not say: a host that is not loopback by name, and resolves to loopback,
 * to a link-local address (the metadata services of clouds) or the like, is refused. The address that is checked is the
 * one that is connected to.
 */
export class NetworkGuard {
  private readonly denyPrivateNetworks: boolean;
  private readonly resolve: LookupAll;
  /** Hosts that are addresses and may be connected to: what they are never changes. */
  private readonly allowedAddresses = new Set<string>();

  constructor({ denyPrivateNetworks, lookup = systemLookup }: GuardOptions) {
    this.denyPrivateNetworks = denyPrivateNetworks;
    this.resolve = lookup;
  }

  /** @throws {AddressRefusedError} for a URL whose host is an address that is refused; names are judged by `lookup` */
  checkUrl(url: URL): void {
    if (this.allowedAddresses.has(url.hostname)) return;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const family = isIP(host);
    if (family === 0) return;
    this.check(url.hostname, [{ address: host, family }]);
    if (this.allowedAddresses.size >= MOST_REMEMBERED) this.allowedAddresses.clear();
    this.allowedAddresses.add(url.hostname);
  }

  /** Resolves a name and refuses it as a whole when any of its addresses is refused. */
  readonly lookup: Lookup = (hostname, options, callback) => {
    const name = isLoopbackHost(hostname) ? "localhost" : hostname;
    this.resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      try {
        this.check(hostname, addresses);
      } catch (refused) {
        callback(refused as NodeJS.ErrnoException, []);
        return;
      }
      const [first] = addresses;
      if (options.all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

  /**
   * Judges a URL that a proxy is to reach: by the addresses that this machine finds for its host. Where it finds none, the
   * proxy alone can tell; with `denyPrivateNetworks` such a host is refused.
   *
   * @throws {AddressRefusedError}
   */
  async checkBehindProxy(url: URL): Promise<void> {
    this.checkUrl(url);
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    if (isIP(host) !== 0) return;
    const addresses = await new Promise<LookupAddress[] | undefined>((resolve) => {
      this.resolve(host, { all: true }, (error, found) => resolve(error === null ? found : undefined));
    });
    if (addresses !== undefined) this.check(url.hostname, addresses);
    else if (this.denyPrivateNetworks) throw new AddressRefusedError(url.hostname, "unknown");
  }

  private check(hostname: string, addresses: readonly LookupAddress[]): void {
    const isLoopback = isLoopbackHost(hostname);
    for (const { address } of addresses) {
      const kind = addressKind(address);
      if (isLoopback ? kind !== "loopback" : !this.allows(kind)) throw new AddressRefusedError(hostname, kind);
    }
  }

  private allows(kind: AddressKind): boolean {
    switch (kind) {
      case "public":
        return true;
      case "private":
      // Documentation and benchmark ranges should lead nowhere; networks that use them all the same are private.
      case "special":
        return !this.denyPrivateNetworks;
      case "unknown":
      case "loopback":
      case "link_local":
      case "metadata":
      case "unspecified":
        return false;
    }
  }
}
