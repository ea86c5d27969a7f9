import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { payloadEnvelope } from "@durable-workflow/carrier/payload";
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherEvent,
  type DispatcherOptions,
  logEvents,
} from "@durable-workflow/dispatcher";
import { createMetrics } from "@durable-workflow/dispatcher/metrics";
import type { StartRequest } from "@durable-workflow/engine-protocol/control";
import { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "@durable-workflow/local-engine";
import { PATIENCE_MS } from "@durable-workflow/test-support/patience";
import { ControlClient } from "./control-client.js";
import { isLimited, type Scenario } from "./scenario.js";

export const QUEUE = "lamps";
const STARTERS = 16;

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A local engine on a file, dispatchers, and whatever is to be closed with them. */
export class Chain {
  readonly engine: LocalEngine;
  readonly events: DispatcherEvent[] = [];
  readonly log: LogLine[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), "dw-chain-"));
  private readonly closers: (() => Promise<unknown>)[] = [];
  private clientOrNone: ControlClient | undefined;
  private readonly dispatchers: Dispatcher[] = [];
  private readonly metrics: ReturnType<typeof createMetrics>[] = [];

  constructor(options: Partial<LocalEngineOptions> = {}) {
    this.engine = createLocalEngine({ file: join(this.folder, "engine.db"), ...options });
  }

  get client(): ControlClient {
    if (this.clientOrNone === undefined) throw new Error("the engine does not listen yet");
    return this.clientOrNone;
  }

  /** @returns the engine's address */
  async listen(): Promise<string> {
    const { url } = await this.engine.listen();
    this.clientOrNone = new ControlClient(url);
    return url;
  }

  /** Closed before the engine is, the last one first. */
  onClose(close: () => Promise<unknown>): void {
    this.closers.push(close);
  }

  /** @param carriers the address of each, by the activity type that it runs */
  async dispatch(
    engineUrl: string,
    carriers: Readonly<Record<string, string>>,
    options: DispatcherOptions = {},
  ): Promise<Dispatcher> {
    const dispatcher = createDispatcher({
      environment: {},
      profilesPath: join(this.folder, "no-profiles.json"),
      connection: { serverUrl: engineUrl },
      config: configFor(carriers),
      // Carriers that answer badly on purpose are to go on doing so.
      breaker: { failures: 1_000_000 },
      maxInFlight: 64,
      pollSeconds: 1,
      ...options,
    });
    dispatcher.events.on((event) => this.events.push(event));
    const write =
      (level: string): ((fields: Record<string, unknown>, message: string) => void) =>
      (fields, message) =>
        void this.log.push({ level, fields, message });
    logEvents(dispatcher.events, {
      debug: () => undefined,
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
    });
    this.metrics.push(createMetrics(dispatcher));
    this.dispatchers.push(dispatcher);
    await dispatcher.start();
    return dispatcher;
  }

  /** How many tasks ended in which way, as the dispatchers' metrics have it. */
  async countedEnds(): Promise<Readonly<Record<string, number>>> {
    const counted: Record<string, number> = {};
    for (const registry of this.metrics) {
      const metric = await registry.getSingleMetric("dw_dispatcher_tasks_total")?.get();
      for (const { labels, value } of metric?.values ?? []) {
        const end = String(labels["end"]);
        counted[end] = (counted[end] ?? 0) + value;
      }
    }
    return counted;
  }

  /** Ends the dispatchers: what they have begun is told then. */
  async drain(): Promise<void> {
    await Promise.all(this.dispatchers.map((dispatcher) => dispatcher.drain()));
  }

  async close(): Promise<void> {
    await this.drain();
    for (const close of this.closers.splice(0).toReversed()) await close();
    await this.engine.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function configFor(carriers: Readonly<Record<string, string>>): object {
  return {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: QUEUE },
    carriers: Object.fromEntries(
      Object.entries(carriers).map(([type, url]) => [type, { type: "invocable_http", url }]),
    ),
    mappings: Object.keys(carriers).map((type) => ({
      name: type,
      kind: "activity",
      activity_type: type,
      carrier: type,
      handler: type,
    })),
  };
}

/** Starts an activity for each scenario, which is given its number; its id is made of both. */
export async function startAll(
  client: ControlClient,
  type: string,
  all: readonly Scenario<unknown>[],
  more: Partial<StartRequest> = {},
): Promise<readonly string[]> {
  const ids = all.map((_, index) => `${type}-${index}`);
  let next = 0;
  const starter = async (): Promise<void> => {
    for (let index = next++; index < all.length; index = next++) {
      const scenario = all[index];
      if (scenario === undefined) return;
      await client.start({
        activity_type: type,
        activity_id: `${type}-${index}`,
        task_queue: QUEUE,
        input: { ...payloadEnvelope([index]) },
        retry_policy: {
          max_attempts: scenario.maxAttempts,
          backoff_seconds: scenario.backoffSeconds,
          non_retryable_error_types: [LISTED],
        },
        ...more,
        ...(isLimited(scenario) ? { start_to_close_timeout_seconds: 1 } : {}),
      });
    }
  };
  await Promise.all(Array.from({ length: STARTERS }, starter));
  return ids;
}

/** A type that every policy here lists as not to be retried. */
export const LISTED = "Listed";

/**
 * Waits until nothing is open. An activity that is open this long after the last one has closed is stuck.
 *
 * @returns what still is, once nothing has closed for long
 */
export async function untilAllClosed(client: ControlClient): Promise<readonly string[]> {
  let known = Number.POSITIVE_INFINITY;
  let since = Date.now();
  for (;;) {
    const open = await client.open();
    if (open.length < known) [known, since] = [open.length, Date.now()];
    if (open.length === 0 || Date.now() - since > PATIENCE_MS) return open;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
