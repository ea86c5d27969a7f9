import { describeReceived, isObject } from "../../protocol/fields.js";
import type { Clock } from "../clock.js";
import { readThrown } from "../thrown.js";
import type { IdempotencyClaim, IdempotencyClaimAnswer, IdempotencyCompletion, IdempotencyStore } from "./store.js";

/**
 * A store failed, hung, or answered what is no answer. Its message says so with names and codes only: what clients and
 * databases write may repeat what was stored.
 */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
}

/** What to say of an error of a {@link GuardedStore}. */
export function problemOf(error: unknown): string {
  return error instanceof StoreFailure ? error.message : "The idempotency store could not be used.";
}

/** A user's store, made safe to call: each call ends in time, in an answer that was checked or in a {@link StoreFailure}. */
export interface GuardedStore {
  /**
   * @param onLateClaim called when the key was claimed after all, by a call that had been given up as too slow
   * @param mostMs limits the call to less than the usual time
   */
  claim(
    key: string,
    claim: IdempotencyClaim,
    onLateClaim: () => void,
    mostMs?: number,
  ): Promise<IdempotencyClaimAnswer>;
  complete(key: string, completion: IdempotencyCompletion): Promise<boolean>;
  release(key: string, owner: string): Promise<void>;
}

export function guardStore(store: IdempotencyStore, clock: Clock, timeoutMs: number): GuardedStore {
  function call<T>(
    method: keyof IdempotencyStore,
    limitMs: number,
    answer: () => Promise<T>,
    onLate?: (late: T) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let open = true;
      const giveUp = clock.schedule(limitMs, () => {
        open = false;
        reject(failure(method, `did not answer within ${limitMs} ms`));
      });
      answer().then(
        (value) => {
          if (!open) return onLate?.(value);
          giveUp();
          resolve(value);
        },
        (error: unknown) => {
          giveUp();
          reject(error instanceof StoreFailure ? error : failure(method, `failed with ${nameOf(error)}`));
        },
      );
    });
  }

  return {
    claim(key, claim, onLateClaim, mostMs = timeoutMs) {
      return call(
        "claim",
        Math.min(mostMs, timeoutMs),
        async () => readAnswer(await store.claim(key, claim)),
        ({ state }) => {
          if (state === "claimed") onLateClaim();
        },
      );
    },
    complete(key, completion) {
      return call("complete", timeoutMs, async () => {
        const kept: unknown = await store.complete(key, completion);
        if (typeof kept !== "boolean") throw failure("complete", `answered ${describeReceived(kept)}, no boolean`);
        return kept;
      });
    },
    release(key, owner) {
      return call("release", timeoutMs, async () => store.release(key, { owner }));
    },
  };
}

function readAnswer(answer: unknown): IdempotencyClaimAnswer {
  const { state, fingerprint, record } = isObject(answer) ? answer : {};
  if (state === "claimed") return { state };
  if (state === "running" && typeof fingerprint === "string") return { state, fingerprint };
  if (state === "finished" && typeof record === "string") return { state, record };
  throw failure("claim", "answered neither claimed, nor running with a fingerprint, nor finished with a record");
}

function failure(method: keyof IdempotencyStore, what: string): StoreFailure {
  return new StoreFailure(`${method} of the idempotency store ${what}.`);
}

/** The error's name, and its code where it has one (`ECONNREFUSED`). */
function nameOf(error: unknown): string {
  const name = readThrown(error, false).type ?? describeReceived(error);
  const code = codeOf(error);
  return code === undefined ? name : `${name} (${code})`;
}

function codeOf(error: unknown): string | undefined {
  try {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : undefined;
  } catch {
    return undefined;
  }
}
