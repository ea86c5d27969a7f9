import { hostname } from "node:os";
import type { InProcessEngine } from "@durable-workflow/engine-protocol";
import type { Carrier } from "@durable-workflow/engine-protocol/executor-config";
import { EngineClient } from "../engine/client.js";
import { InProcessWire } from "../engine/in-process-wire.js";
import type { DispatcherEvent, EventStream } from "../events/events.js";
import type { Proxies } from "../net/proxies.js";
import type { Secrets } from "../net/secrets.js";
import { Payloads } from "../payloads/payloads.js";
import type { PayloadPolicy } from "../payloads/policies.js";
import { CarrierWatch } from "./carriers.js";
import { SlotPool } from "./slots.js";
import type { WorkSettings } from "./work-settings.js";

/** How the engine is reached. */
export interface EngineAddress {
  readonly serverUrl: string;
  /** Whether its certificate must be valid. */
  readonly tlsVerify: boolean;
  /** Asked for each request; null for none. */
  readonly token: () => string | null;
  /** Told of each answer that refuses the token. Default: nobody is. */
  readonly onUnauthorized?: () => void;
  /** An engine of this process. Default: none, it is reached at its URL. */
  readonly inProcess?: InProcessEngine | undefined;
}

export interface MachineryOptions {
  readonly settings: WorkSettings;
  readonly engine: EngineAddress;
  readonly events: EventStream;
  readonly secrets: Secrets;
  readonly proxies: Proxies;
  /** Whether a carrier that seemed dead can be connected to again. */
  readonly canConnect: (carrier: Carrier, signal: AbortSignal) => Promise<boolean>;
}

/** What lanes and attempts share. */
export interface Machinery {
  readonly client: EngineClient;
  readonly slots: SlotPool;
  readonly watch: CarrierWatch;
  readonly payloads: Payloads;
}

/** Builds what leases, delivers and reports tasks, from options that are resolved. */
export function buildMachinery({
  settings,
  engine: address,
  events,
  secrets,
  proxies,
  canConnect,
}: MachineryOptions): Machinery {
  const { clock, requestTimeoutMs, given } = settings;
  for (const secret of proxies.secrets) secrets.add(secret);
  const engine = { ...address, scrub: (text: string) => secrets.scrub(text), clock, proxies };
  const client = new EngineClient({
    ...engine,
    wire: address.inProcess && new InProcessWire(address.inProcess),
    requestTimeoutMs,
    // The same as long as this process works: engines tell by it that nothing was started anew.
    process: {
      host: hostname(),
      id: process.pid,
      startedAt: new Date(clock.now() - Math.round(process.uptime() * 1000)).toISOString(),
    },
    onVersion: (version, advertised) => events.emit({ type: "engine_version", version, advertised }),
  });
  return {
    client,
    payloads: new Payloads({
      ...engine,
      client,
      memoryBytes: settings.payloadMemoryBytes,
      responseLimitBytes: given.responseLimitBytes,
      sharedStorage: given.sharedStorage,
      onPolicy: (namespace, policy) => events.emit(policyEvent(namespace, policy)),
    }),
    slots: new SlotPool(settings.maxInFlight, 1, []),
    watch: new CarrierWatch({ clock, events, limits: settings.breaker, canConnect }),
  };
}

function policyEvent(namespace: string, policy: PayloadPolicy): DispatcherEvent {
  const { thresholdBytes = null, maxPayloadBytes = null } = policy.state === "on" ? policy.transport : {};
  const problem = policy.state === "unusable" ? policy.problem : null;
  return { type: "payload_transport", namespace, state: policy.state, thresholdBytes, maxPayloadBytes, problem };
}
