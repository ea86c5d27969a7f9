import type { Carrier, ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { CredentialStore } from "../delivery/credentials.js";
import type { Deliverer, InputSchemasRequest } from "../delivery/deliverer.js";
import type { LocalCarrier } from "../delivery/handler-delivery.js";
import { HttpDeliverer } from "../delivery/http-carrier.js";
import { canConnect } from "../delivery/probe.js";
import { ProcessDeliverer } from "../delivery/process-carrier.js";
import type { EventStream } from "../events/events.js";
import { NetworkGuard } from "../net/guard.js";
import type { Proxies } from "../net/proxies.js";
import type { Secrets } from "../net/secrets.js";
import type { AuthorizersInUse } from "./authorizers-in-use.js";
import { ConfigRouting } from "./config-routing.js";
import type { EngineAccess } from "./engine-access.js";
import type { ResolvedOptions } from "./options.js";

export interface CarrierDelivererOptions {
  readonly options: ResolvedOptions;
  readonly access: EngineAccess;
  readonly authorizers: AuthorizersInUse;
  readonly events: EventStream;
  readonly secrets: Secrets;
  readonly proxies: Proxies;
}

/** Delivers over HTTP and to commands, as the executor config in use says; a reload puts another one in its place. */
export class CarrierDeliverer implements Deliverer {
  private readonly options: CarrierDelivererOptions;
  private readonly guard: NetworkGuard;
  private readonly http: HttpDeliverer;
  private readonly process: ProcessDeliverer;
  private readonly handlers: ReadonlyMap<string, LocalCarrier>;
  private inUse: ConfigRouting;

  constructor(options: CarrierDelivererOptions, config: ExecutorConfig | undefined) {
    this.options = options;
    const { clock, denyPrivateNetworks, responseLimitBytes, connectTimeoutMs, environment, given } = options.options;
    const { proxies } = options;
    this.guard = new NetworkGuard({ denyPrivateNetworks });
    this.http = new HttpDeliverer({
      clock,
      guard: this.guard,
      responseLimitBytes,
      connectTimeoutMs,
      ca: given.carrierCa,
      proxies,
      holdUnreachableMs: options.options.holdUnreachableMs,
      redeliverBroken: given.redeliverBroken ?? true,
    });
    this.process = new ProcessDeliverer({ clock, environment, outputLimitBytes: responseLimitBytes });
    this.handlers = new Map(Object.entries(options.options.given.handlers ?? {}));
    this.inUse = this.routingBy(config);
  }

  get routing(): ConfigRouting {
    return this.inUse;
  }

  /** Delivers by this config from now on. */
  use(config: ExecutorConfig | undefined): void {
    this.inUse = this.routingBy(config);
  }

  /** Reads the credentials of the config in use again, by the profiles as they are now. */
  renewCredentials(): void {
    this.inUse = this.routingBy(this.inUse.config, this.inUse.told);
  }

  private routingBy(config: ExecutorConfig | undefined, told?: Set<string>): ConfigRouting {
    const { access, secrets, events, options } = this.options;
    const { environment, clock, credentials: local, given } = options;
    const authorizers = this.options.authorizers.current;
    const { profiles } = access;
    const credentials = new CredentialStore({ config, local, authorizers, environment, profiles, secrets, clock });
    return new ConfigRouting({
      config,
      delivery: { http: this.http, process: this.process, credentials, clock, handlers: this.handlers },
      events,
      allowEngineCommands: given.allowEngineCommands ?? false,
      allowEngineTargets: given.allowEngineTargets ?? false,
      askManifests: given.askManifests ?? false,
      ...(told === undefined ? {} : { told }),
    });
  }

  inputSchemas(request: InputSchemasRequest): ReturnType<ConfigRouting["inputSchemas"]> {
    return this.inUse.inputSchemas(request);
  }

  canConnect(carrier: Carrier, signal: AbortSignal): Promise<boolean> {
    const { options, proxies } = this.options;
    return canConnect(carrier, this.guard, { timeoutMs: options.connectTimeoutMs, signal, proxies });
  }

  close(): Promise<void> {
    return this.http.close();
  }

  kill(): void {
    this.process.kill();
  }
}
