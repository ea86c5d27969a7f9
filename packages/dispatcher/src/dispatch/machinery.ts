import { hostname } from "node:os";
import { HttpDeliverer } from "../delivery/http-carrier.js";
import { ProcessDeliverer } from "../delivery/process-carrier.js";
import { EngineClient } from "../engine/client.js";
import type { DispatcherEvent, EventStream } from "../events/events.js";
import { NetworkGuard } from "../net/guard.js";
import { Proxies } from "../net/proxies.js";
import type { Secrets } from "../net/secrets.js";
import { Payloads } from "../payloads/payloads.js";
import type { PayloadPolicy } from "../payloads/policies.js";
import { CarrierWatch } from "./carriers.js";
import type { EngineAccess } from "./engine-access.js";
import type { ResolvedOptions } from "./options.js";
import { SlotPool } from "./slots.js";

/** What lanes and attempts share. */
export interface Machinery {
  readonly client: EngineClient;
  readonly slots: SlotPool;
  readonly watch: CarrierWatch;
  readonly http: HttpDeliverer;
  readonly process: ProcessDeliverer;
  readonly payloads: Payloads;
}

export function buildMachinery(
  options: ResolvedOptions,
  access: EngineAccess,
  { events, secrets }: { readonly events: EventStream; readonly secrets: Secrets },
): Machinery {
  const { clock, requestTimeoutMs, denyPrivateNetworks, responseLimitBytes, connectTimeoutMs } = options;
  const guard = new NetworkGuard({ denyPrivateNetworks });
  const proxies = new Proxies(options.environment);
  for (const secret of proxies.secrets) secrets.add(secret);
  const { connection } = access;
  const engine = {
    serverUrl: connection.serverUrl.value,
    tlsVerify: connection.tlsVerify.value,
    token: () => access.connection.token.value,
    scrub: (text: string) => secrets.scrub(text),
    clock,
    proxies,
  };
  const client = new EngineClient({
    ...engine,
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
      memoryBytes: options.payloadMemoryBytes,
      responseLimitBytes: options.given.responseLimitBytes,
      sharedStorage: options.given.sharedStorage,
      onPolicy: (namespace, policy) => events.emit(policyEvent(namespace, policy)),
    }),
    slots: new SlotPool(options.maxInFlight, 1, []),
    watch: new CarrierWatch({ clock, guard, events, limits: options.breaker, connectTimeoutMs, proxies }),
    http: new HttpDeliverer({
      clock,
      guard,
      responseLimitBytes,
      connectTimeoutMs,
      ca: options.given.carrierCa,
      proxies,
    }),
    process: new ProcessDeliverer({ clock, environment: options.environment, outputLimitBytes: responseLimitBytes }),
  };
}

function policyEvent(namespace: string, policy: PayloadPolicy): DispatcherEvent {
  const { thresholdBytes = null, maxPayloadBytes = null } = policy.state === "on" ? policy.transport : {};
  const problem = policy.state === "unusable" ? policy.problem : null;
  return { type: "payload_transport", namespace, state: policy.state, thresholdBytes, maxPayloadBytes, problem };
}
