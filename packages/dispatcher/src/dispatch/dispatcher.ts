import { describeConnection } from "../config/connection.js";
import { HealthBoard } from "../events/board.js";
import { EventStream } from "../events/events.js";
import { Proxies } from "../net/proxies.js";
import { Secrets } from "../net/secrets.js";
import type { Dispatcher, DispatcherHealth, DispatcherState, DrainReport, EffectiveConfiguration } from "./api.js";
import { AuthorizersInUse } from "./authorizers-in-use.js";
import { CarrierDeliverer } from "./carrier-deliverer.js";
import { ConfigAtWork } from "./config-at-work.js";
import { ConfigSource } from "./config-source.js";
import { EngineAccess } from "./engine-access.js";
import { buildMachinery } from "./machinery.js";
import { type DispatcherOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { planDispatch } from "./plan-lanes.js";
import { Reloads } from "./reloads.js";
import { Work } from "./work.js";
import { newWorkerId } from "./worker-id.js";

/**
 * Creates a dispatcher. It has no effect on its process: it installs no signal handlers, listens on no port and prints
 * nothing; see `handleSignals`, `serveHealth`, `logEvents` and `createMetrics`.
 *
 * @throws {TypeError} naming an option that cannot be used
 */
export function createDispatcher(options: DispatcherOptions = {}): Dispatcher {
  return new ServiceDispatcher(resolveOptions(options));
}

/** What a start makes, whole. */
interface Started {
  readonly access: EngineAccess;
  readonly source: ConfigSource;
  readonly work: Work;
  readonly reloads: Reloads;
}

/** The life of a dispatcher: started once, drained once. What it works with is made by its start. */
class ServiceDispatcher implements Dispatcher {
  private readonly secrets = new Secrets();
  readonly events = new EventStream((text) => this.secrets.scrub(text));
  private readonly board = new HealthBoard(this.events);
  private readonly options: ResolvedOptions;
  private begun = false;
  private started: Started | undefined;
  private state: DispatcherState = "new";
  private drained: Promise<DrainReport> | undefined;

  constructor(options: ResolvedOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    if (this.begun) throw new TypeError("a dispatcher can be started once");
    this.begun = true;
    const { options, events, secrets } = this;
    const source = new ConfigSource(options);
    const config = await source.load();
    const access = await EngineAccess.load(options, config);
    const authorizers = new AuthorizersInUse(options);
    await authorizers.load();
    if (config === undefined && options.given.queues === undefined) {
      throw new TypeError("queues or an executor config is needed: without either there is nothing to lease");
    }
    const plans = planDispatch(options, access.connection, config);
    // Drained before it had begun.
    if (this.drained !== undefined) return;
    secrets.add(access.connection.token.value);
    const workerId = options.given.workerId ?? newWorkerId();
    const proxies = new Proxies(options.environment);
    const deliverer = new CarrierDeliverer({ options, access, authorizers, events, secrets, proxies }, config);
    const { connection } = access;
    const machinery = buildMachinery({
      settings: options,
      engine: {
        serverUrl: connection.serverUrl.value,
        tlsVerify: connection.tlsVerify.value,
        token: () => access.connection.token.value,
        inProcess: options.given.engine,
      },
      events,
      secrets,
      proxies,
      canConnect: (carrier, signal) => deliverer.canConnect(carrier, signal),
    });
    const work = new Work({ settings: options, machinery, deliverer, workerId, events, secrets });
    const atWork = new ConfigAtWork(work, deliverer, events);
    const reloads = new Reloads({ options, source, access, authorizers, atWork, events, secrets });
    this.started = { access, source, work, reloads };
    this.state = "running";
    atWork.apply(config, plans);
    void reloads.watch();
  }

  async reload(): Promise<boolean> {
    return this.state === "running" && this.started !== undefined && this.started.reloads.check(true);
  }

  drain(): Promise<DrainReport> {
    this.drained ??= this.end();
    return this.drained;
  }

  private async end(): Promise<DrainReport> {
    if (this.started === undefined) {
      this.state = "stopped";
      return { abandoned: 0 };
    }
    const { work, reloads } = this.started;
    this.state = "draining";
    reloads.end();
    const report = await work.drain();
    this.state = "stopped";
    this.events.emit({ type: "stopped", ...report });
    return report;
  }

  kill(): void {
    this.started?.work.kill();
  }

  health(): DispatcherHealth {
    const { state, board, started } = this;
    const { lanes, inFlight, protocolVersion, configErrors } = board;
    return {
      state,
      live: state !== "stopped",
      ready: state === "running" && lanes.some((lane) => lane.state === "polling" || lane.state === "full"),
      inFlight,
      lanes,
      carriers: started?.work.carriers() ?? [],
      protocolVersion,
      clockSkewMs: started?.work.clockSkewMs ?? 0,
      configErrors,
    };
  }

  effectiveConfiguration(): EffectiveConfiguration | undefined {
    if (this.started === undefined) return undefined;
    const { access, source } = this.started;
    return { connection: describeConnection(access.connection), ...source.describe() };
  }
}
