import { serverCapabilities } from "./api/cluster-info.js";
import type { ApiParts } from "./api/parts.js";
import { allRoutes } from "./api/routes.js";
import { microsecondReader } from "./clock.js";
import { MICROS_PER_SECOND } from "./engine/model.js";
import { LocalEngineError } from "./errors.js";
import { ExternalExecutor } from "./executor/external-executor.js";
import { Gate } from "./http/auth.js";
import { Responses } from "./http/responses.js";
import { Router } from "./http/router.js";
import { type Listening, Servers } from "./http/servers.js";
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
  listen(options?: ListenOptions): Promise<Listening>;
  /**
   * Answers polls that wait with no task, ends event streams, lets requests that have begun finish, and closes the file.
   * Leases go on: a worker that still runs a task can report once the engine is back.
   */
  close(): Promise<void>;
}

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
  const namespaces = ensureNamespaces(context, resolved.namespaces, file);
  const servers = new Servers({
    router: new Router(allRoutes(parts, streams)),
    gate,
    responses: new Responses(serverCapabilities(resolved)),
    maxBodyBytes: resolved.maxBodyBytes,
    logger,
    hasNamespace: (name) => namespaces.has(name),
  });
  dueTimer.start();
  pruner?.start();

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = servers.close();
    polls.stop();
    dueTimer.stop();
    pruner?.stop();
    context.feed.release();
    for (const end of streams) end();
    await closed;
    store.close();
  };

  return {
    listen: ({ host = "127.0.0.1", port = 0 } = {}) => servers.listen(host, port),
    close: () => (closing ??= close()),
  };
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
