import type { Micros } from "../engine/model.js";
import { LongPayload } from "../long-payload.js";
import type { Connection, Statement } from "./connection.js";

/** What a reference says of the bytes it stands for. */
export interface PayloadReference {
  readonly referenceId: string;
  readonly codec: string;
  readonly sizeBytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** A payload as runs keep it: the blob itself, as text or as the bytes that it stands for, or a reference to it. */
export type Payload = string | LongPayload | PayloadReference;

/** Whether it is the blob itself, in one form or the other. */
export function isBlob(payload: Payload): payload is string | LongPayload {
  return typeof payload === "string" || payload instanceof LongPayload;
}

/** The reference that a payload is; null for one that is there, and for none. */
export function referenceOf(payload: Payload | null): PayloadReference | null {
  return payload === null || isBlob(payload) ? null : payload;
}

export interface PayloadRecord extends PayloadReference {
  readonly key: number;
  readonly namespace: string;
  /** Where the bytes are; empty once they are removed. */
  readonly location: string;
  /** False: they are removed, or about to be. */
  readonly isHere: boolean;
  /** When they go, unless a request names them before; null for those that one has named. */
  readonly expiresAt: Micros | null;
}

export interface PayloadUsage {
  readonly bytes: number;
  readonly objects: number;
}

/** Why a reference cannot be followed. */
export type PayloadFault =
  | "not_found" // not in this namespace
  | "expired" // it is removed
  | "mismatch"; // the reference says another size, hash or codec

export interface IntendedPayload {
  readonly location: string;
  /** Of the bytes. */
  readonly sha256: string;
}

interface PayloadRow {
  readonly id: number;
  readonly namespace: string;
  readonly reference_id: string;
  readonly codec: string;
  readonly size: number;
  readonly sha256: string;
  readonly location: string;
  readonly is_here: number;
  readonly expires_at: number | null;
}

/** The tables of payloads that lie outside the database: what is there, which runs name it, how much a namespace has. */
export const PAYLOADS_SQL = `
  CREATE TABLE payloads (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL, reference_id TEXT NOT NULL, codec TEXT NOT NULL, size INTEGER NOT NULL,
    sha256 TEXT NOT NULL, location TEXT NOT NULL, is_here INTEGER NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, removed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX payloads_of_reference ON payloads (reference_id);
  CREATE UNIQUE INDEX payloads_of_bytes ON payloads (namespace, sha256, codec);
  CREATE INDEX payloads_expiring ON payloads (expires_at) WHERE is_here = 1 AND expires_at IS NOT NULL;
  CREATE INDEX payloads_leftover ON payloads (id) WHERE is_here = 0 AND location <> '';
  CREATE INDEX payloads_removed ON payloads (removed_at) WHERE is_here = 0;
  CREATE INDEX payloads_at ON payloads (location) WHERE is_here = 1;

  CREATE TABLE payload_claims (
    run INTEGER NOT NULL, payload INTEGER NOT NULL, PRIMARY KEY (run, payload)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX payload_claims_of_payload ON payload_claims (payload);

  CREATE TABLE payload_usage (
    namespace TEXT PRIMARY KEY, bytes INTEGER NOT NULL, objects INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE inputs ADD COLUMN payload INTEGER;
  ALTER TABLE outcomes ADD COLUMN payload INTEGER;
`;

/** Places where bytes may lie that no payload has: written down before they are kept, and gone with the payload's own row. */
export const INTENDED_PAYLOADS_SQL = `
  CREATE TABLE intended_payloads (location TEXT PRIMARY KEY, sha256 TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Removed payloads are told from unknown ones for so long. */
const REMEMBERED: Micros = 7 * 86_400 * 1_000_000;

/** The rows of `payloads`, `payload_claims` and `payload_usage`. Writes only within a transaction. */
export class Payloads {
  private readonly byReference: Statement<PayloadRow>;
  private readonly byBytes: Statement<PayloadRow>;
  private readonly byKey: Statement<PayloadRow>;
  private readonly insertRow: Statement<{ id: number }>;
  private readonly reviveRow: Statement<never>;
  private readonly postponeRow: Statement<never>;
  private readonly moveTo: Statement<never>;
  private readonly insertClaim: Statement<never>;
  private readonly keepRow: Statement<never>;
  private readonly claimsOfRun: Statement<{ payload: number }>;
  private readonly deleteClaims: Statement<never>;
  private readonly unclaimRow: Statement<never>;
  private readonly expired: Statement<PayloadRow>;
  private readonly firstExpiry: Statement<{ expires_at: number }>;
  private readonly retireRow: Statement<never>;
  private readonly leftover: Statement<PayloadRow>;
  private readonly vacateRow: Statement<never>;
  private readonly forgetRows: Statement<never>;
  private readonly addUsage: Statement<never>;
  private readonly usageOf: Statement<PayloadUsage>;
  private readonly hereAt: Statement<PayloadRow>;
  private readonly allHere: Statement<{ location: string }>;
  private readonly move: Statement<never>;
  private readonly insertIntended: Statement<never>;
  private readonly deleteIntended: Statement<never>;
  private readonly allIntended: Statement<IntendedPayload>;

  constructor(db: Connection) {
    this.byReference = db.prepare("SELECT * FROM payloads WHERE reference_id = ? AND namespace = ?");
    this.byBytes = db.prepare("SELECT * FROM payloads WHERE namespace = ? AND sha256 = ? AND codec = ?");
    this.byKey = db.prepare("SELECT * FROM payloads WHERE id = ?");
    this.insertRow = db.prepare(
      `INSERT INTO payloads (namespace, reference_id, codec, size, sha256, location, is_here, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) RETURNING id`,
    );
    this.reviveRow = db.prepare(
      "UPDATE payloads SET location = ?, is_here = 1, expires_at = ?, removed_at = NULL WHERE id = ?",
    );
    this.postponeRow = db.prepare(
      "UPDATE payloads SET expires_at = max(expires_at, ?) WHERE id = ? AND expires_at IS NOT NULL",
    );
    this.moveTo = db.prepare("UPDATE payloads SET location = ? WHERE id = ?");
    this.insertClaim = db.prepare("INSERT INTO payload_claims (run, payload) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.keepRow = db.prepare("UPDATE payloads SET expires_at = NULL WHERE id = ?");
    this.claimsOfRun = db.prepare("SELECT payload FROM payload_claims WHERE run = ?");
    this.deleteClaims = db.prepare("DELETE FROM payload_claims WHERE run = ?");
    this.unclaimRow = db.prepare(
      `UPDATE payloads SET expires_at = ? WHERE id = ? AND is_here = 1
         AND NOT EXISTS (SELECT 1 FROM payload_claims WHERE payload = payloads.id)`,
    );
    this.expired = db.prepare(
      "SELECT * FROM payloads WHERE is_here = 1 AND expires_at <= ? ORDER BY expires_at LIMIT ?",
    );
    this.firstExpiry = db.prepare(
      "SELECT expires_at FROM payloads WHERE is_here = 1 AND expires_at IS NOT NULL ORDER BY expires_at LIMIT 1",
    );
    this.retireRow = db.prepare("UPDATE payloads SET is_here = 0, removed_at = ? WHERE id = ? AND is_here = 1");
    this.leftover = db.prepare(
      "SELECT * FROM payloads WHERE is_here = 0 AND location <> '' AND id > ? ORDER BY id LIMIT ?",
    );
    this.vacateRow = db.prepare("UPDATE payloads SET location = '' WHERE id = ? AND is_here = 0");
    this.forgetRows = db.prepare("DELETE FROM payloads WHERE is_here = 0 AND location = '' AND removed_at <= ?");
    this.addUsage = db.prepare(
      `INSERT INTO payload_usage (namespace, bytes, objects) VALUES (?, ?, ?)
       ON CONFLICT (namespace) DO UPDATE SET bytes = bytes + excluded.bytes, objects = objects + excluded.objects`,
    );
    this.usageOf = db.prepare("SELECT bytes, objects FROM payload_usage WHERE namespace = ?");
    this.hereAt = db.prepare("SELECT * FROM payloads WHERE location = ? AND is_here = 1 LIMIT 1");
    this.allHere = db.prepare("SELECT location FROM payloads WHERE is_here = 1");
    this.insertIntended = db.prepare(
      "INSERT INTO intended_payloads (location, sha256) VALUES (?, ?) ON CONFLICT DO NOTHING",
    );
    this.deleteIntended = db.prepare("DELETE FROM intended_payloads WHERE location = ?");
    this.allIntended = db.prepare("SELECT location, sha256 FROM intended_payloads ORDER BY location LIMIT ?");
    this.move = db.prepare(
      "UPDATE payloads SET expires_at = expires_at + ? WHERE is_here = 1 AND expires_at IS NOT NULL",
    );
  }

  /** What was uploaded under a reference in a namespace, removed or not. */
  get(namespace: string, referenceId: string): PayloadRecord | undefined {
    return read(this.byReference.get(referenceId, namespace));
  }

  /** The payload of these bytes in a namespace, removed or not. */
  ofBytes(namespace: string, sha256: string, codec: string): PayloadRecord | undefined {
    return read(this.byBytes.get(namespace, sha256, codec));
  }

  /**
   * Writes down that bytes are there: anew, or again under the reference they had. They go at `expiresAt`, unless they are
   * named before.
   */
  put(
    payload: Omit<PayloadRecord, "key" | "isHere" | "expiresAt">,
    { now, expiresAt }: { readonly now: Micros; readonly expiresAt: Micros },
  ): PayloadRecord {
    const { namespace, referenceId, codec, sizeBytes, sha256, location } = payload;
    const before = this.ofBytes(namespace, sha256, codec);
    if (before === undefined) {
      const row = this.insertRow.get(namespace, referenceId, codec, sizeBytes, sha256, location, now, expiresAt);
      this.addUsage.run(namespace, sizeBytes, 1);
      return { ...payload, key: row?.id ?? 0, isHere: true, expiresAt };
    }
    if (before.isHere) {
      this.moveTo.run(location, before.key);
      this.postponeRow.run(expiresAt, before.key);
    } else {
      this.reviveRow.run(location, expiresAt, before.key);
      this.addUsage.run(namespace, sizeBytes, 1);
    }
    return read(this.byKey.get(before.key)) ?? before;
  }

  /** The same bytes were uploaded again: they stay as long as new ones. */
  postpone(key: number, expiresAt: Micros): void {
    this.postponeRow.run(expiresAt, key);
  }

  /** Why no run of a namespace could name a payload; undefined when one can. */
  fault(namespace: string, reference: PayloadReference): PayloadFault | undefined {
    return faultOf(this.get(namespace, reference.referenceId), reference);
  }

  /** A run names a payload: it stays as long as the run does. Nothing is written for one that has a fault. */
  claim(namespace: string, reference: PayloadReference, run: number): PayloadFault | undefined {
    const found = this.get(namespace, reference.referenceId);
    const fault = faultOf(found, reference);
    if (found === undefined || fault !== undefined) return fault ?? "not_found";
    this.insertClaim.run(run, found.key);
    this.keepRow.run(found.key);
    return undefined;
  }

  /** A run is being removed: what no other run names goes at the next sweep. */
  release(run: number, now: Micros): void {
    const claims = this.claimsOfRun.all(run);
    if (claims.length === 0) return;
    this.deleteClaims.run(run);
    for (const { payload } of claims) this.unclaimRow.run(now, payload);
  }

  /** Those whose time has passed. */
  expiredBy(now: Micros, limit: number): readonly PayloadRecord[] {
    return this.expired.all(now, limit).map(recordOf);
  }

  /** When the next one goes. */
  nextExpiry(): Micros | undefined {
    return this.firstExpiry.get()?.expires_at;
  }

  /** From here on it is not there for anybody; its bytes are still to be removed. */
  retire({ key, namespace, sizeBytes }: PayloadRecord, now: Micros): void {
    if (this.retireRow.run(now, key).changes === 0) return;
    this.addUsage.run(namespace, -sizeBytes, -1);
  }

  /** Those whose bytes are still to be removed, after a key. */
  leftovers(after: number, limit: number): readonly PayloadRecord[] {
    return this.leftover.all(after, limit).map(recordOf);
  }

  /** Its bytes are removed. */
  vacate(key: number): void {
    this.vacateRow.run(key);
  }

  /** Forgets those that were removed long ago: they are unknown from then on. */
  forget(now: Micros): void {
    this.forgetRows.run(now - REMEMBERED);
  }

  usage(namespace: string): PayloadUsage {
    return this.usageOf.get(namespace) ?? { bytes: 0, objects: 0 };
  }

  /** A payload that is there and lies at this place. */
  at(location: string): PayloadRecord | undefined {
    return read(this.hereAt.get(location));
  }

  /** Where payloads lie that are there. */
  *locations(): Iterable<string> {
    for (const { location } of this.allHere.iterate()) yield location;
  }

  /** Bytes may be kept at a place from now on. */
  intend(location: string, sha256: string): void {
    this.insertIntended.run(location, sha256);
  }

  /** What lies at a place is known: a payload has it, or it is removed. */
  settle(location: string): void {
    this.deleteIntended.run(location);
  }

  /** Places of which that is not known. */
  intended(limit: number): readonly IntendedPayload[] {
    return this.allIntended.all(limit);
  }

  /** Moves every instant that a payload goes at. */
  moveExpiries(by: Micros): void {
    this.move.run(by);
  }
}

/** Why a reference cannot be followed; undefined when it can. */
export function faultOf(found: PayloadRecord | undefined, reference: PayloadReference): PayloadFault | undefined {
  if (found === undefined) return "not_found";
  const { codec, sizeBytes, sha256, isHere } = found;
  if (codec !== reference.codec || sizeBytes !== reference.sizeBytes || sha256 !== reference.sha256) return "mismatch";
  return isHere ? undefined : "expired";
}

function read(row: PayloadRow | undefined): PayloadRecord | undefined {
  return row === undefined ? undefined : recordOf(row);
}

function recordOf(row: PayloadRow): PayloadRecord {
  return {
    key: row.id,
    namespace: row.namespace,
    referenceId: row.reference_id,
    codec: row.codec,
    sizeBytes: row.size,
    sha256: row.sha256,
    location: row.location,
    isHere: row.is_here === 1,
    expiresAt: row.expires_at,
  };
}
