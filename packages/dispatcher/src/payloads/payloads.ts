import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import type { EngineClient } from "../engine/client.js";
import type { Proxies } from "../net/proxies.js";
import type { Clock } from "../time/clock.js";
import { ByteBudget } from "./byte-budget.js";
import { type FetchOutcome, PayloadExchange } from "./exchange.js";
import { ArgumentFetcher } from "./fetching.js";
import { PayloadCache } from "./payload-cache.js";
import { PayloadPolicies, type PolicyOptions } from "./policies.js";
import { type SharedStorage, SharedStore } from "./shared-store.js";
import { PayloadUploader } from "./uploading.js";

export interface PayloadsOptions {
  readonly client: EngineClient;
  readonly serverUrl: string;
  readonly tlsVerify: boolean;
  readonly token: () => string | null;
  readonly clock: Clock;
  readonly proxies: Proxies;
  readonly scrub: (text: string) => string;
  /** For arguments and results together. */
  readonly memoryBytes: number;
  /** The largest answer of a carrier, where that was set. */
  readonly responseLimitBytes: number | undefined;
  readonly sharedStorage: SharedStorage | undefined;
  readonly onPolicy: PolicyOptions["onChange"];
}

/** What a carrier's answer may have around the payload of its result. */
const AROUND_A_PAYLOAD_BYTES = 64 * 1024;

/** All that a dispatcher has for large payloads. */
export class Payloads {
  readonly policies: PayloadPolicies;
  readonly fetcher: ArgumentFetcher;
  readonly uploader: PayloadUploader;
  readonly sharedStore: SharedStore | undefined;
  /** Results have a room of their own: arguments are held until there is a result, and must not keep it out. */
  readonly resultBudget: ByteBudget;
  private readonly exchange: PayloadExchange;
  private readonly options: PayloadsOptions;

  constructor(options: PayloadsOptions) {
    const { client, memoryBytes, clock, sharedStorage, onPolicy } = options;
    this.options = options;
    this.policies = new PayloadPolicies({
      clock,
      read: (namespace) => client.clusterInfo(namespace),
      ...(onPolicy === undefined ? {} : { onChange: onPolicy }),
    });
    this.exchange = new PayloadExchange({
      ...options,
      protocolVersion: () => client.protocolVersion ?? PROTOCOL_VERSION,
    });
    const budget = new ByteBudget(Math.ceil(memoryBytes / 2));
    this.resultBudget = new ByteBudget(Math.ceil(memoryBytes / 2));
    const { exchange, policies } = this;
    this.fetcher = new ArgumentFetcher({ exchange, policies, budget, cache: new PayloadCache<FetchOutcome>() });
    this.uploader = new PayloadUploader({ exchange, policies });
    this.sharedStore = sharedStorage === undefined ? undefined : new SharedStore(sharedStorage);
  }

  /**
   * The largest answer of a carrier that is of use: what the engine keeps, and what stands around it. Undefined for the
   * default, or where another limit was set.
   */
  async responseLimit(namespace: string, standard: number): Promise<number> {
    const { responseLimitBytes } = this.options;
    if (responseLimitBytes !== undefined) return responseLimitBytes;
    const policy = await this.policies.current(namespace);
    return policy?.state === "on"
      ? Math.max(standard, policy.transport.maxPayloadBytes + AROUND_A_PAYLOAD_BYTES)
      : standard;
  }

  async close(): Promise<void> {
    await this.exchange.close();
  }
}
