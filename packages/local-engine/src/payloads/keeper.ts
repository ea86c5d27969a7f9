import { createHash } from "node:crypto";
import type { ByteSource } from "../byte-source.js";
import type { Micros } from "../engine/model.js";
import type { Logger } from "../options.js";
import { faultOf, type PayloadFault, type PayloadRecord, type PayloadReference } from "../store/payloads.js";
import type { Store } from "../store/store.js";
import { type KeptBytes, type OpenBytes, type PayloadBytes, PayloadBytesError, type PayloadSink } from "./bytes.js";
import { KeyedLock } from "./keyed-lock.js";
import { type Exhausted, type PayloadQuota, Quotas } from "./quotas.js";

export interface KeeperParts {
  readonly store: Store;
  /** Where new payloads go, and then where else they may lie. */
  readonly places: readonly [PayloadBytes, ...PayloadBytes[]];
  readonly now: () => Micros;
  /** A new id for a payload. */
  readonly newId: () => string;
  readonly logger: Logger;
  readonly quota: PayloadQuota;
  /** How long an upload stays that no request names. */
  readonly keepUnnamed: Micros;
}

/** How an upload went. */
export type Uploaded =
  | { readonly kind: "kept"; readonly payload: PayloadRecord }
  /** The bytes that came are not those that were announced. */
  | { readonly kind: "mismatch" }
  | { readonly kind: Exhausted };

/** A payload that can be read: its bytes are those that were kept. */
export interface Readable {
  readonly kind: "readable";
  readonly payload: PayloadRecord;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** To be called in any case. */
  readonly close: () => Promise<void>;
}

/** A payload of that size is read once, to see that it is whole and to be sent; a longer one twice. */
const READ_ONCE_BYTES = 1_048_576;

/**
 * Keeps payloads for namespaces: takes uploads, gives out what was uploaded, removes what nobody names. The same bytes have
 * the same reference within a namespace. What is written down in the database is on the disk before that.
 */
export class PayloadKeeper {
  private readonly parts: KeeperParts;
  private readonly quotas: Quotas;
  /** One at a time for the same bytes: what is removed must not be what is being uploaded. */
  readonly lock = new KeyedLock();
  /** Payloads that an upload counts on, by their row. */
  private readonly pinned = new Map<number, number>();
  /** Places whose bytes were found to be others, by the next upload of the same to be written anew. */
  private readonly damaged = new Set<string>();

  constructor(parts: KeeperParts) {
    this.parts = parts;
    this.quotas = new Quotas(parts.quota, (namespace) => parts.store.payloads.usage(namespace));
  }

  /**
   * Takes a payload's bytes as they come.
   *
   * @param source is read to its end only when all is well with it
   * @param signal aborts when the client has gone
   * @throws {PayloadBytesError} (as a rejection) `unavailable`
   */
  async upload(namespace: string, bytes: KeptBytes, source: ByteSource, signal: AbortSignal): Promise<Uploaded> {
    const known = await this.pin(namespace, bytes);
    if (known !== undefined) {
      try {
        if (!(await isWhole(bytes, source))) return { kind: "mismatch" };
        return await this.lock.run(bytes.sha256, () => this.uploadedAgain(known));
      } finally {
        this.unpin(known.key);
      }
    }
    const reservation = this.quotas.reserve(namespace, bytes.sizeBytes);
    if (typeof reservation === "string") return { kind: reservation };
    try {
      const sink = await this.parts.places[0].begin(bytes.sizeBytes, signal);
      let isKept = false;
      try {
        if (!(await isWhole(bytes, source, sink))) return { kind: "mismatch" };
        const payload = await this.lock.run(bytes.sha256, () => this.keep(namespace, bytes, sink));
        isKept = payload.location !== "";
        return { kind: "kept", payload };
      } finally {
        if (!isKept) await sink.discard();
      }
    } finally {
      reservation();
    }
  }

  /** Opens a payload of a namespace, once it is seen to be what was kept. */
  async open(namespace: string, reference: PayloadReference): Promise<Readable | { readonly kind: PayloadFault }> {
    const payload = this.parts.store.payloads.get(namespace, reference.referenceId);
    const fault = faultOf(payload, reference);
    if (payload === undefined || fault !== undefined) return { kind: fault ?? "not_found" };
    try {
      const open = await this.placeOf(payload.location).open(payload.location, payload);
      return await verified(payload, open);
    } catch (error) {
      if (!(error instanceof PayloadBytesError) || error.fault === "unavailable") throw error;
      // It may have been removed since it was looked up.
      if (this.parts.store.payloads.get(namespace, payload.referenceId)?.isHere !== true) return { kind: "expired" };
      this.damaged.add(payload.location);
      this.parts.logger.error(
        { error: error.cause, namespace, payload: payload.referenceId, fault: error.fault },
        "The bytes of a payload are not those that were kept; uploading the same again mends it.",
      );
      return { kind: error.fault === "missing" ? "not_found" : "mismatch" };
    }
  }

  /** Whether the bytes are there, as far as that can be seen without reading them. */
  async isThere({ location, ...payload }: PayloadRecord): Promise<boolean> {
    return !this.damaged.has(location) && (await this.placeOf(location).has(location, payload));
  }

  /** Whether a reference stands for a payload that should be there, and whose bytes are not. */
  async isLost(namespace: string, reference: PayloadReference): Promise<boolean> {
    const found = this.parts.store.payloads.get(namespace, reference.referenceId);
    return found?.isHere === true && !(await this.isThere(found));
  }

  isPinned(key: number): boolean {
    return this.pinned.has(key);
  }

  /** @throws {PayloadBytesError} `unavailable` for a place that none of the storages of now can read */
  placeOf(location: string): PayloadBytes {
    const place = this.parts.places.find((one) => one.owns(location));
    if (place !== undefined) return place;
    throw new PayloadBytesError(
      "unavailable",
      new Error("the payload lies in a storage that the engine was not given"),
    );
  }

  /** What is there already, held until the upload has come in. */
  private async pin(namespace: string, bytes: KeptBytes): Promise<PayloadRecord | undefined> {
    const known = this.parts.store.payloads.ofBytes(namespace, bytes.sha256, bytes.codec);
    if (known?.isHere !== true || known.sizeBytes !== bytes.sizeBytes) return undefined;
    this.pinned.set(known.key, (this.pinned.get(known.key) ?? 0) + 1);
    try {
      if (await this.isThere(known)) return known;
    } catch {
      // In a storage that cannot be read now, or was not given: it is written anew.
    }
    this.unpin(known.key);
    return undefined;
  }

  private unpin(key: number): void {
    const pins = this.pinned.get(key) ?? 0;
    if (pins > 1) this.pinned.set(key, pins - 1);
    else this.pinned.delete(key);
  }

  private async uploadedAgain(known: PayloadRecord): Promise<Uploaded> {
    const { store, now, keepUnnamed } = this.parts;
    await store.transact(() => {
      store.payloads.postpone(known.key, now() + keepUnnamed);
    });
    return { kind: "kept", payload: known };
  }

  /** Makes the bytes durable, and then writes down that they are there. The location is empty where others were there first. */
  private async keep(namespace: string, bytes: KeptBytes, sink: PayloadSink): Promise<PayloadRecord> {
    const { store, now, newId, keepUnnamed, places } = this.parts;
    const before = store.payloads.ofBytes(namespace, bytes.sha256, bytes.codec);
    if (before?.isHere === true && (await this.isThere(before))) {
      await this.uploadedAgain(before);
      return { ...before, location: "" };
    }
    const intended = places[0].placeFor?.(bytes);
    if (intended !== undefined) {
      await store.transact(() => {
        store.payloads.intend(intended, bytes.sha256);
      });
    }
    const location = await sink.keep(bytes);
    const referenceId = newId();
    const { sizeBytes, sha256, codec } = bytes;
    const payload = await store.transact(() => {
      const at = now();
      const row = { namespace, referenceId, sizeBytes, sha256, codec, location };
      if (intended !== undefined) store.payloads.settle(intended);
      return store.payloads.put(row, { now: at, expiresAt: at + keepUnnamed });
    });
    this.parts.places[0].settled?.(location);
    if (before?.isHere === true && before.location !== location) await this.removeOld(before.location);
    this.damaged.delete(location);
    return payload;
  }

  /** What took the place of damaged bytes is written down: those may go. */
  private async removeOld(location: string): Promise<void> {
    this.damaged.delete(location);
    try {
      await this.placeOf(location).remove(location);
    } catch (error) {
      this.parts.logger.warn({ error }, "The damaged bytes of a payload could not be removed.");
    }
  }
}

/** Reads what comes, up to what was announced, into a sink or nowhere; whether it is what was announced. */
async function isWhole({ sizeBytes, sha256 }: KeptBytes, source: ByteSource, sink?: PayloadSink): Promise<boolean> {
  const hash = createHash("sha256");
  let size = 0;
  const isAll = await source.read((chunk) => {
    size += chunk.length;
    if (size > sizeBytes) return false;
    hash.update(chunk);
    return sink?.write(chunk)?.then(() => true) ?? true;
  });
  return isAll && size === sizeBytes && hash.digest("hex") === sha256;
}

async function verified(payload: PayloadRecord, open: OpenBytes): Promise<Readable> {
  try {
    const hash = createHash("sha256");
    const read: Uint8Array[] = [];
    for await (const chunk of open.read()) {
      hash.update(chunk);
      if (payload.sizeBytes <= READ_ONCE_BYTES) read.push(chunk);
    }
    if (hash.digest("hex") !== payload.sha256) throw new PayloadBytesError("damaged", undefined);
    const chunks = payload.sizeBytes <= READ_ONCE_BYTES ? asStream(read) : open.read();
    return { kind: "readable", payload, chunks, close: () => open.close() };
  } catch (error) {
    await open.close();
    throw error;
  }
}

async function* asStream(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}
