/**
 * Where idempotency keys are held and outcomes remembered. Three methods, so that any database with an atomic
 * compare-and-set can be one. `idempotencyStoreContract` of the test kit judges an implementation.
 *
 * Keys, owners, fingerprints and records are opaque text; a store neither reads nor changes them. Every method may reject
 * or take its time: callers limit how long they wait, and treat both as a store that is down.
 */
export interface IdempotencyStore {
  /**
   * Takes the key for `leaseMs`, if it is free: in one atomic step, so that of any number of callers one gets it.
   *
   * A key that this owner already holds is held for `leaseMs` from now on: leases are renewed like that. A key whose
   * lease or whose `ttlMs` has passed is free.
   */
  claim(key: string, claim: IdempotencyClaim): Promise<IdempotencyClaimAnswer>;
  /**
   * Remembers a record in place of the owner's claim, for `ttlMs`.
   *
   * @returns false, with nothing changed, when the owner does not hold the key (any more)
   */
  complete(key: string, completion: IdempotencyCompletion): Promise<boolean>;
  /** Frees the key if the owner holds it. Else nothing changes: neither the claim of another owner nor a record. */
  release(key: string, release: IdempotencyRelease): Promise<void>;
}

/** What a run asks a store for before it begins. */
export interface IdempotencyClaim {
  /** A token that no other run has. */
  readonly owner: string;
  /** What is run under the key, for others who ask for it. */
  readonly fingerprint: string;
  /** Whole milliseconds, by the store's own clock. */
  readonly leaseMs: number;
}

/** What a run leaves with a store when it has succeeded. */
export interface IdempotencyCompletion {
  readonly owner: string;
  readonly record: string;
  /** Whole milliseconds, by the store's own clock. */
  readonly ttlMs: number;
}

/** How a run gives its claim back when it has not succeeded. */
export interface IdempotencyRelease {
  readonly owner: string;
}

/** What a store says to a claim. */
export type IdempotencyClaimAnswer =
  /** The key is the owner's. */
  | { readonly state: "claimed" }
  /** Another owner holds it, with this fingerprint. */
  | { readonly state: "running"; readonly fingerprint: string }
  /** An owner has completed it with this record. */
  | { readonly state: "finished"; readonly record: string };
