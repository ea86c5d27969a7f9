import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { activityRoutes } from "./api/activities.js";
import { activityTaskRoutes } from "./api/activity-tasks.js";
import { clusterRoutes } from "./api/cluster.js";
import { eventRoutes } from "./api/events.js";
import { namespaceRoutes } from "./api/namespaces.js";
import type { ApiParts } from "./api/parts.js";
import { runRoutes } from "./api/runs.js";
import { systemRoutes } from "./api/system.js";
import { taskQueueRoutes } from "./api/task-queues.js";
import { workerRoutes } from "./api/workers.js";
import { microsecondReader } from "./clock.js";
import { serverCapabilities } from "./api/cluster-info.js";
import { MICROS_PER_SECOND } from "./engine/model.js";
import { LocalEngineError } from "./errors.js";
import { ExternalExecutor } from "./executor/external-executor.js";
import { Gate, isLoopback } from "./http/auth.js";
import { handleRequest } from "./http/request-handler.js";
import { Responses } from "./http/responses.js";
import { Router } from "./http/router.js";
import { DEFAULT_NAMESPACE, type LocalEngineOptions, resolveOptions } from "./options.js";
import type { EngineContext } from "./service/context.js";
import { DueTimer } from "./service/due-timer.js";
import { Feed } from "./service/feed.js";
import { Polls } from "./service/polls.js";
import { Pruner } from "./service/pruner.js";
import { Store } from "./store/store.js";

export interface ListenOptions {
  /** Default `127.0.0.1`. An address that is not loopback needs tokens. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
}

export interface LocalEngine {
  /**
   * Serves the engine's API over HTTP. May be called for several addresses.
   *
   * @throws {LocalEngineError} `address_refused` for an address that is not loopback when there are no tokens
   */
  listen(options?: ListenOptions): Promise<{ readonly url: string; readonly host: string; readonly port: number }>;
  /**
   * Answers polls that wait with no task, ends event streams, lets requests that have begun finish, and closes the file.
   * Leases go on: a worker that still runs a task can report once the engine is back.
   */
  close(): Promise<void>;
}

/** A client that takes longer to send a request than this is let go. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 75_000;
/** What is left of a request when the engine is closed may take so long. */
const CLOSE_GRACE_MS = 5000;
const IDLE_SWEEP_MS = 20;

/**
 * Opens an engine on a database file. Its timers run from here on, whether it listens or not.
 *
 * ```ts
 * const engine = createLocalEngine({ file: "engine.db" });
 * const { url } = await engine.listen({ port: 7070 });
 * ```
 *
 * @throws {TypeError} for a bad option
 * @throws {LocalEngineError} when the file cannot be used
 */
export function createLocalEngine(options: LocalEngineOptions): LocalEngine {
  const resolved = resolveOptions(options);
  const { file, integrityCheck, maxCommitBatch, clock, logger } = resolved;
  const store = Store.open(file, { integrityCheck, maxBatch: maxCommitBatch });
  const context: EngineContext = {
    store,
    clock,
    now: microsecondReader(clock),
    lease: resolved.leaseSeconds * MICROS_PER_SECOND,
    feed: new Feed(),
    logger,
    taskReady: () => {},
    dueAtChanged: () => {},
  };
  const polls = new Polls(context, resolved.maxWaitingPolls);
  const dueTimer = new DueTimer(context);
  const pruner = resolved.retentionSeconds === undefined ? undefined : new Pruner(context, resolved.retentionSeconds);
  const gate = new Gate(resolved.auth);
  const executor = new ExternalExecutor(resolved.externalExecutorConfig);
  const parts: ApiParts = { context, polls, dueTimer, pruner, executor, gate, options: resolved };
  const streams = new Set<() => void>();
  const router = new Router([
    ...clusterRoutes(parts),
    ...activityRoutes(parts),
    ...activityTaskRoutes(parts),
    ...workerRoutes(parts),
    ...runRoutes(parts),
    ...namespaceRoutes(parts),
    ...taskQueueRoutes(parts),
    ...systemRoutes(parts),
    ...eventRoutes(parts, streams),
  ]);
  const responses = new Responses(serverCapabilities(resolved));
  const namespaces = ensureNamespaces(context, resolved.namespaces, file);
  const handlerParts = {
    router,
    gate,
    responses,
    maxBodyBytes: resolved.maxBodyBytes,
    logger,
    hasNamespace: (name: string) => namespaces.has(name),
  };
  dueTimer.start();
  pruner?.start();

  const servers = new Set<Server>();
  let closing: Promise<void> | undefined;

  return {
    async listen({ host = "127.0.0.1", port = 0 } = {}) {
      if (closing !== undefined) throw new LocalEngineError("closed", "the engine was closed");
      if (!gate.isLocked && !isLoopback(host)) {
        throw new LocalEngineError(
          "address_refused",
          `${host} can be reached from other machines, and the engine has no tokens: set auth, or listen on 127.0.0.1`,
        );
      }
      const server = createServer((request, response) => {
        handleRequest(handlerParts, request, response).catch((error: unknown) => {
          logger.error({ error }, "A request could not be answered.");
          response.destroy();
        });
      });
      server.requestTimeout = REQUEST_TIMEOUT_MS;
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve();
        });
      });
      servers.add(server);
      const { address, family, port: bound } = server.address() as AddressInfo;
      const named = family === "IPv6" ? `[${address}]` : address;
      return { url: `http://${named}:${bound}`, host: address, port: bound };
    },
    close() {
      closing ??= (async () => {
        const closed = [...servers].map(
          (server) =>
            new Promise((resolve) => {
              server.close(resolve);
            }),
        );
        polls.stop();
        dueTimer.stop();
        pruner?.stop();
        context.feed.release();
        for (const end of streams) end();
        await drainConnections(servers, Promise.all(closed));
        store.close();
      })();
      return closing;
    },
  };
}

/** Waits until the servers have closed. Connections without a request are closed at once, the others after a while. */
async function drainConnections(servers: ReadonlySet<Server>, closed: Promise<unknown>): Promise<void> {
  const closeIdle = (): void => {
    for (const server of servers) server.closeIdleConnections();
  };
  closeIdle();
  const sweep = setInterval(closeIdle, IDLE_SWEEP_MS);
  const grace = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, CLOSE_GRACE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(grace);
}

/** Writes the namespaces that are new, before anything is served, and names all that there are. */
function ensureNamespaces({ store, now }: EngineContext, names: readonly string[], file: string): ReadonlySet<string> {
  try {
    store.write(() => {
      for (const name of names) {
        store.namespaces.ensure(name, name === DEFAULT_NAMESPACE ? "Default namespace" : null, now());
      }
    });
  } catch (error) {
    store.close();
    const message = `${file} cannot be written: make room on its disk, or check its permissions`;
    throw new LocalEngineError("file_unusable", message, { cause: error });
  }
  return new Set(store.namespaces.list().map(({ name }) => name));
}
