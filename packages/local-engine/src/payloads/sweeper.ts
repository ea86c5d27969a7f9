import type { Clock } from "../clock.js";
import type { Micros } from "../engine/model.js";
import type { Logger } from "../options.js";
import type { IntendedPayload, PayloadRecord } from "../store/payloads.js";
import type { Store } from "../store/store.js";
import type { FileBytes } from "./file-bytes.js";
import type { PayloadKeeper } from "./keeper.js";

const BATCH = 50;
const EVERY_MS = 60_000;
const PAUSE_MS = 20;

export interface SweeperParts {
  readonly store: Store;
  readonly keeper: PayloadKeeper;
  /** Undefined where payloads are not in files. */
  readonly files: FileBytes | undefined;
  readonly clock: Clock;
  readonly now: () => Micros;
  readonly logger: Logger;
}

/**
 * Removes payloads whose time has passed: uploads that no request has named, and those whose runs are gone. First a payload is
 * written down as removed, then its bytes go, then their place is forgotten; whatever ends the process between two of these is
 * made up for by the next sweep.
 */
export class PayloadSweeper {
  private readonly parts: SweeperParts;
  private cancel: () => void = () => {};
  private running: Promise<unknown> = Promise.resolve();
  private isStopped = false;
  private holds = 0;

  constructor(parts: SweeperParts) {
    this.parts = parts;
  }

  /** Tidies up after a process that was killed, and sweeps from then on. */
  start(): void {
    this.running = this.tidy().catch((error: unknown) => {
      if (!this.isStopped) this.parts.logger.warn({ error }, "The folder of payloads could not be tidied up.");
    });
    this.schedule(0);
  }

  /** Ends the sweep that runs, and starts no other. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancel();
    await this.running;
  }

  /** While `work` runs nothing is removed. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.holds++;
    try {
      await this.running;
      return await work();
    } finally {
      this.holds--;
    }
  }

  /** Removes what is due, at most `limit` payloads, and returns how many that were. */
  async sweep(limit: number): Promise<number> {
    const { store, now } = this.parts;
    if (this.holds > 0 || this.isStopped) return 0;
    const expired = store.payloads.expiredBy(now(), limit);
    let removed = 0;
    for (const payload of expired) if (await this.remove(payload)) removed++;
    for (const intended of store.payloads.intended(limit)) await this.removeIntended(intended);
    let after = 0;
    for (;;) {
      const leftovers = store.payloads.leftovers(after, limit);
      for (const payload of leftovers) await this.clear(payload);
      const last = leftovers.at(-1);
      if (last === undefined || this.mustEnd()) break;
      after = last.key;
    }
    return removed;
  }

  private mustEnd(): boolean {
    return this.isStopped || this.holds > 0;
  }

  private remove(payload: PayloadRecord): Promise<boolean> {
    const { store, keeper, now } = this.parts;
    return keeper.lock.run(payload.sha256, async () => {
      if (this.mustEnd() || keeper.isPinned(payload.key)) return false;
      return store.transact(() => {
        const current = store.payloads.get(payload.namespace, payload.referenceId);
        const isDue = current?.isHere === true && current.expiresAt !== null && current.expiresAt <= now();
        if (current === undefined || !isDue) return false;
        store.payloads.retire(current, now());
        return true;
      });
    });
  }

  /**
   * Removes bytes that were kept, or may have been, without a payload's own row after them: the process was killed in between,
   * or the storage did not answer. One that is being kept now has the lock.
   */
  private removeIntended({ location, sha256 }: IntendedPayload): Promise<void> {
    const { store, keeper, logger } = this.parts;
    return keeper.lock.run(sha256, async () => {
      if (this.mustEnd()) return;
      try {
        if (store.payloads.at(location) === undefined) await keeper.placeOf(location).remove(location);
      } catch (error) {
        logger.warn({ error }, "The bytes of an upload that was cut off could not be removed yet.");
        return;
      }
      await store.transact(() => {
        store.payloads.settle(location);
      });
    });
  }

  /** Removes the bytes of one that is written down as removed. */
  private clear(payload: PayloadRecord): Promise<void> {
    const { store, keeper, logger } = this.parts;
    return keeper.lock.run(payload.sha256, async () => {
      if (this.mustEnd()) return;
      const current = store.payloads.get(payload.namespace, payload.referenceId);
      if (current === undefined || current.isHere || current.location === "") return;
      try {
        // A driver has one place for the same bytes of all namespaces.
        if (store.payloads.at(current.location) === undefined)
          await keeper.placeOf(current.location).remove(current.location);
      } catch (error) {
        logger.warn({ error, payload: current.referenceId }, "The bytes of a payload could not be removed yet.");
        return;
      }
      await store.transact(() => {
        store.payloads.vacate(current.key);
      });
    });
  }

  /** Removes files that no payload has, and tells of payloads that have no file. */
  private async tidy(): Promise<void> {
    const { store, files, logger } = this.parts;
    if (files === undefined) return;
    const missing = new Set([...store.payloads.locations()].filter((location) => files.owns(location)));
    for await (const { location, isPartial } of files.found()) {
      if (this.isStopped) return;
      if (isPartial) await files.removePartial(location);
      else if (!missing.delete(location) && !files.isOpen(location) && store.payloads.at(location) === undefined) {
        await files.remove(location);
      }
    }
    // What was written or removed since is not missing.
    let count = 0;
    for (const location of missing) if (store.payloads.at(location) !== undefined) count++;
    if (count === 0) return;
    const message =
      "Payloads have no file: the folder beside the database was left behind or changed. References to them cannot be followed.";
    logger.warn({ folder: files.folder, missingPayloads: count }, message);
  }

  private schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.cancel = this.parts.clock.schedule(delayMs, () => {
      this.running = this.running.then(() => this.pass());
    });
  }

  private async pass(): Promise<void> {
    const { store, logger, now } = this.parts;
    let removed = 0;
    try {
      removed = await this.sweep(BATCH);
      if (removed === 0 && !this.mustEnd()) {
        await store.transact(() => {
          store.payloads.forget(now());
        });
      }
    } catch (error) {
      if (!this.isStopped) logger.error({ error }, "Payloads could not be swept; trying again.");
    }
    this.schedule(removed === BATCH ? PAUSE_MS : EVERY_MS);
  }
}
