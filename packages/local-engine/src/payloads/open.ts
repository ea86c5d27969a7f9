import { MICROS_PER_SECOND } from "../engine/model.js";
import { upperUlid } from "../ids.js";
import type { ResolvedOptions } from "../options.js";
import type { EngineContext } from "../service/context.js";
import { backupWithPayloads } from "./backup.js";
import type { PayloadBytes } from "./bytes.js";
import { DriverBytes } from "./driver-bytes.js";
import { FileBytes } from "./file-bytes.js";
import { PayloadKeeper } from "./keeper.js";
import { MemoryBytes } from "./memory-bytes.js";
import { PayloadSweeper } from "./sweeper.js";

/** The folder of the payloads that belong to a database file. */
export function payloadFolder(file: string): string {
  return `${file}-payloads`;
}

export interface OpenPayloads {
  readonly keeper: PayloadKeeper;
  readonly sweeper: PayloadSweeper;
  /** Copies the database with the payloads that it names. */
  readonly backup: (target: string, options: { readonly overwrite: boolean }) => Promise<void>;
}

/** The payloads of an engine: in the driver that it was given, else beside its database, or in memory with it. */
export function openPayloads({ file, payloads }: ResolvedOptions, context: EngineContext): OpenPayloads {
  const { store, time, now, clock, logger } = context;
  const files = file === ":memory:" ? undefined : new FileBytes(payloadFolder(file));
  const own: PayloadBytes = files ?? new MemoryBytes();
  const keeper = new PayloadKeeper({
    store,
    places: payloads.storage === undefined ? [own] : [new DriverBytes(payloads.storage), own],
    now,
    newId: () => `ep_${upperUlid(time.nowMs())}`,
    logger,
    quota: { bytes: payloads.namespaceBytes, objects: payloads.namespaceObjects },
    keepUnnamed: payloads.abandonedUploadSeconds * MICROS_PER_SECOND,
  });
  const sweeper = new PayloadSweeper({ store, keeper, files, clock, now, logger });
  return {
    keeper,
    sweeper,
    backup: (target, options) =>
      sweeper.hold(() =>
        backupWithPayloads({ store, own, source: files?.folder, target: payloadFolder(target) }, target, options),
      ),
  };
}
