import type { InProcessEngine } from "@durable-workflow/engine-protocol";
import { serverCapabilities } from "./api/cluster-info.js";
import type { ApiParts } from "./api/parts.js";
import { allRoutes } from "./api/routes.js";
import { MICROS_PER_SECOND } from "./engine/model.js";
import { LocalEngineError } from "./errors.js";
import { ExternalExecutor } from "./executor/external-executor.js";
import { Arrivals } from "./http/arrivals.js";
import { Gate } from "./http/auth.js";
import { Responses } from "./http/responses.js";
import { Router } from "./http/router.js";
import { type Listening, Servers } from "./http/servers.js";
import type { Site } from "./http/site.js";
import { DEFAULT_NAMESPACE, type LocalEngineOptions, readBackup, readListen, resolveOptions } from "./options.js";
import { openPayloads } from "./payloads/open.js";
import { ClockSteps, followStepBetween } from "./service/clock-steps.js";
import type { EngineContext } from "./service/context.js";
import { DueTimer } from "./service/due-timer.js";
import { EngineTime } from "./service/engine-time.js";
import { Feed } from "./service/feed.js";
import { Polls } from "./service/polls.js";
import { Pruner } from "./service/pruner.js";
import { Recent } from "./service/recent.js";
import { Wakes } from "./service/wakes.js";
import { letGo } from "./store/connection.js";
import { sqliteCode } from "./store/result-codes.js";
import { Store } from "./store/store.js";

/** Where an engine listens. */
export interface ListenOptions {
  /** Default `127.0.0.1`. An address that is not loopback needs tokens. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /**
   * Answers what is not for the engine: requests for paths outside `/api`. It gets them before anything of them was checked, token
   * and origin included. Default: the engine answers that there is no such route.
   */
  readonly site?: Site;
}

/** Options of a backup. */
export interface BackupOptions {
  /** Whether a file that is there is replaced, once the copy is whole. Default false. */
  readonly overwrite?: boolean;
}

/** An engine on this machine. */
export interface LocalEngine extends InProcessEngine {
  /**
   * Serves the engine's API over HTTP. May be called for several addresses.
   *
   * @throws {LocalEngineError} `address_refused` for an address that is not loopback when there are no tokens
   */
  listen(options?: ListenOptions): Promise<Listening>;
  /**
   * Writes a consistent copy of the database, while the engine goes on: all that was answered before the call. It is made
   * for this user alone (0600), whole and flushed to disk when the promise is kept, and can be opened as any other file.
   * An engine in memory stands still meanwhile.
   *
   * @param file a path; one that is there is refused, unless `overwrite`
   * @throws {LocalEngineError} `file_exists`, `disk_full`, `file_unusable`, or `closed` when the engine is closed meanwhile
   */
  backup(file: string, options?: BackupOptions): Promise<void>;
  /**
   * Answers polls that wait with no task, ends event streams, lets requests that have begun finish, and closes the file.
   * Leases go on: a worker that still runs a task can report once the engine is back.
   *
   * @throws {LocalEngineError} `disk_full` or `file_unusable` when the log could not be written back into the file. The
   *   file is let go, and nothing is lost: the log stays beside it, and the next opening reads it.
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
  const time = new EngineTime(clock);
  const { now } = time;
  const store = Store.open(file, { integrityCheck, maxBatch: maxCommitBatch, now });
  const arrivals = new Arrivals();
  const context: EngineContext = {
    store,
    clock,
    time,
    now,
    lease: resolved.leaseSeconds * MICROS_PER_SECOND,
    shortLease: resolved.shortLeaseSeconds * MICROS_PER_SECOND,
    freeRedeliveries: resolved.freeRedeliveries,
    feed: new Feed(),
    recent: new Recent(now()),
    logger,
    wakes: new Wakes(),
    inputRead: () => arrivals.quiet(),
  };
  context.feed.subscribe(context.recent.record);
  const polls = new Polls(context, resolved);
  const dueTimer = new DueTimer(context);
  const steps = new ClockSteps(context, time, () => {
    dueTimer.rearm();
    polls.rearm();
  });
  const pruner = resolved.retentionSeconds === undefined ? undefined : new Pruner(context, resolved.retentionSeconds);
  const gate = new Gate(resolved.auth);
  const executor = new ExternalExecutor(resolved.externalExecutorConfig);
  const payloads = openPayloads(resolved, context);
  const { keeper, sweeper } = payloads;
  const parts: ApiParts = { context, polls, dueTimer, pruner, executor, keeper, gate, options: resolved };
  const streams = new Set<() => void>();
  const namespaces = prepareFile(context, resolved.namespaces, file);
  const servers = new Servers({
    arrivals,
    router: new Router(allRoutes(parts, streams)),
    gate,
    responses: new Responses(serverCapabilities(resolved)),
    maxBodyBytes: resolved.maxBodyBytes,
    maxPayloadBytes: resolved.payloads.maxPayloadBytes,
    logger,
    hasNamespace: (name) => namespaces.has(name),
  });
  dueTimer.start();
  pruner?.start();
  sweeper.start();

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = servers.close();
    polls.stop();
    dueTimer.stop();
    steps.stop();
    pruner?.stop();
    const swept = sweeper.stop();
    context.feed.release();
    for (const end of streams) end();
    await closed;
    await swept;
    try {
      store.close();
    } catch (error) {
      await letGo();
      throw error;
    }
  };

  return {
    async listen(listenOptions = {}) {
      const { host, port, site } = readListen(listenOptions);
      return servers.listen(host, port, site);
    },
    answer: (request) => servers.answer(request),
    async backup(target, backupOptions = {}) {
      const { overwrite } = readBackup(target, backupOptions, file);
      if (closing !== undefined) throw new LocalEngineError("closed", "the engine was closed");
      await payloads.backup(target, { overwrite });
    },
    close: () => (closing ??= close()),
  };
}

/** What happened to the file while no engine ran. */
function tellOfGaps({ store, now, logger }: EngineContext, file: string): void {
  const { missingCommits } = store;
  if (missingCommits > 0) {
    const message =
      "Commits that were acknowledged are missing: the log beside the file (-wal) was damaged or removed, or an older copy was put in its place.";
    logger.warn({ file, missingCommits }, message);
  }
  const stepSeconds = followStepBetween(store, now());
  if (stepSeconds !== 0) {
    logger.warn(
      { stepSeconds },
      "The clock was set back while no engine ran; timers, deadlines and leases keep their distance.",
    );
  }
}

/** Before anything is served: writes the namespaces that are new, tells of gaps, and names all namespaces that there are. */
function prepareFile(context: EngineContext, names: readonly string[], file: string): ReadonlySet<string> {
  const { store, now } = context;
  try {
    store.write(() => {
      for (const name of names) {
        store.namespaces.ensure(name, name === DEFAULT_NAMESPACE ? "Default namespace" : null, now());
      }
    });
    tellOfGaps(context, file);
  } catch (error) {
    store.abandon();
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    if (code.startsWith("SQLITE_FULL")) {
      throw new LocalEngineError("disk_full", `${file} cannot be opened, as its disk is full: make room`, {
        cause: error,
      });
    }
    const message = `${file} cannot be written: make room on its disk, or check its permissions`;
    throw new LocalEngineError("file_unusable", message, { cause: error });
  }
  return new Set(store.namespaces.list().map(({ name }) => name));
}
