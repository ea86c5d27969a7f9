import fc from "fast-check";
import { expect } from "vitest";
import type { IdempotencyClaimAnswer } from "../../src/activity/idempotency/store.js";
import type { IdempotencyStoreSubject } from "../../src/testing/idempotency-store-contract.js";

/** What a store must hold for one key, as simply as it can be said. */
type Entry = { readonly until: number } & (
  | { readonly owner: string; readonly fingerprint: string }
  | { readonly record: string }
);

const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 6 }), fc.constantFrom("", " ", "a", "a b", "finished "));
const key = fc.constantFrom("k", "k ", "K");
const owner = fc.constantFrom("a", "b", "a b");
const leases = fc.integer({ min: 1, max: 4 });

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("claim"), key, owner, fingerprint: text, leases }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("complete"), key, owner, record: text, leases }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release"), key, owner }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("elapse"), leases }) },
);

/**
 * Random calls, and what a plain model says each must answer.
 *
 * @param subject made afresh for every run; keys of one run must not be seen by the next
 */
export async function checkAgainstModel(subject: () => IdempotencyStoreSubject, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { store, leaseMs, elapse } = subject();
      const entries = new Map<string, Entry>();
      let now = 0;
      const current = (name: string): Entry | undefined => {
        const entry = entries.get(name);
        return entry !== undefined && entry.until > now ? entry : undefined;
      };
      const holds = (name: string, who: string): boolean => {
        const entry = current(name);
        return entry !== undefined && "owner" in entry && entry.owner === who;
      };
      for (const call of steps) {
        switch (call.do) {
          case "claim": {
            const entry = current(call.key);
            const answer = await store.claim(call.key, { ...call, leaseMs: call.leases * leaseMs });
            if (entry === undefined || holds(call.key, call.owner)) {
              entries.set(call.key, { owner: call.owner, fingerprint: call.fingerprint, until: now + call.leases });
              expect(answer).toEqual({ state: "claimed" });
            } else {
              expect(answer).toEqual(answerOf(entry));
            }
            break;
          }
          case "complete": {
            const mine = holds(call.key, call.owner);
            if (mine) entries.set(call.key, { record: call.record, until: now + call.leases });
            expect(await store.complete(call.key, { ...call, ttlMs: call.leases * leaseMs })).toBe(mine);
            break;
          }
          case "release":
            if (holds(call.key, call.owner)) entries.delete(call.key);
            await store.release(call.key, call);
            break;
          case "elapse":
            now += call.leases;
            await elapse(call.leases * leaseMs);
        }
      }
    }),
    { numRuns },
  );
}

function answerOf(entry: Entry): IdempotencyClaimAnswer {
  return "record" in entry
    ? { state: "finished", record: entry.record }
    : { state: "running", fingerprint: entry.fingerprint };
}
