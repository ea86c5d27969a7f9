import type { IdempotencyClaimAnswer, IdempotencyStore } from "../activity/idempotency/store.js";
import { recordableText } from "../protocol/recordable-text.js";

/** A store to be judged, and its time. */
export interface IdempotencyStoreSubject {
  /** May hold other keys: the cases use keys that nobody else has. */
  readonly store: IdempotencyStore;
  /**
   * How long the cases lease a key, in milliseconds. Where time really passes, a lease must outlast a few calls of the
   * store: take a second or more.
   */
  readonly leaseMs: number;
  /** Resolves when so many milliseconds have passed for the store. A store with an injected clock need not wait. */
  readonly elapse: (ms: number) => Promise<void>;
}

/** One thing that the carrier relies on. */
export interface IdempotencyStoreCase {
  /** Unique and stable, as in `claim/one-of-many`. */
  readonly id: string;
  /** What must hold, in a sentence. */
  readonly contract: string;
  /** @throws {Error} (as a rejection) saying what was expected and what was found */
  readonly check: (subject: IdempotencyStoreSubject) => Promise<void>;
}

/** One key of the store under test, in short words. */
class Key {
  readonly name: string;
  private readonly subject: IdempotencyStoreSubject;

  constructor(subject: IdempotencyStoreSubject, name: string = crypto.randomUUID()) {
    this.subject = subject;
    this.name = name;
  }

  claim(owner: string, { lease = 1, fingerprint = `print of ${owner}` } = {}): Promise<IdempotencyClaimAnswer> {
    return this.subject.store.claim(this.name, { owner, fingerprint, leaseMs: lease * this.subject.leaseMs });
  }

  complete(owner: string, record: string, ttl = 10): Promise<boolean> {
    return this.subject.store.complete(this.name, { owner, record, ttlMs: ttl * this.subject.leaseMs });
  }

  release(owner: string): Promise<void> {
    return this.subject.store.release(this.name, { owner });
  }

  async expectClaimed(owner: string): Promise<void> {
    expectSame(`a claim by ${owner}`, CLAIMED, await this.claim(owner));
  }

  async expectHeldBy(owner: string): Promise<void> {
    expectSame("a claim by another owner", runs(owner), await this.claim("somebody else"));
  }

  async expectFinished(record: string): Promise<void> {
    expectSame("a claim of a finished key", { state: "finished", record }, await this.claim("somebody else"));
  }

  async expectCompletion(expected: boolean, owner: string, record: string): Promise<void> {
    expectSame(`complete by ${owner}`, expected, await this.complete(owner, record));
  }
}

const CLAIMED: IdempotencyClaimAnswer = { state: "claimed" };

function runs(owner: string): IdempotencyClaimAnswer {
  return { state: "running", fingerprint: `print of ${owner}` };
}

/** Fractions of a lease. */
function elapse(subject: IdempotencyStoreSubject, leases: number): Promise<void> {
  return subject.elapse(Math.ceil(leases * subject.leaseMs));
}

/** What an `IdempotencyStore` must do for carriers to rely on it. Each case stands alone; they may run at once. */
export const idempotencyStoreContract: readonly IdempotencyStoreCase[] = [
  {
    id: "claim/free",
    contract: "a free key is the claimer's, and others are told what runs under it",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await key.expectHeldBy("a");
      await key.expectHeldBy("a");
    },
  },
  {
    id: "claim/one-of-many",
    contract: "of many claims at once one gets the key",
    async check(subject) {
      const key = new Key(subject);
      const owners = Array.from({ length: 25 }, (_, index) => `owner ${index}`);
      const answers = await Promise.all(owners.map((owner) => key.claim(owner)));
      const winners = owners.filter((_, index) => answers[index]?.state === "claimed");
      expectSame("the number of owners that got the key", 1, winners.length);
      const others = answers.filter(({ state }) => state !== "claimed");
      for (const answer of others) expectSame("what the others are told", runs(winners[0] ?? ""), answer);
    },
  },
  {
    id: "claim/lapsed-lease",
    contract: "a lease that has passed frees the key, and its owner has no more right to it than others",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("dead");
      await elapse(subject, 1.1);
      await key.expectClaimed("next");
      expectSame("a claim by the first owner", runs("next"), await key.claim("dead"));
      await key.expectCompletion(false, "dead", "too late");
      await key.release("dead");
      await key.expectHeldBy("next");
    },
  },
  {
    id: "claim/renewed",
    contract: "a claim by the owner holds the key for a whole lease from then on",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await elapse(subject, 0.6);
      await key.expectClaimed("a");
      await elapse(subject, 0.6);
      await key.expectHeldBy("a");
      await elapse(subject, 0.6);
      await key.expectClaimed("b");
    },
  },
  {
    id: "claim/shortened",
    contract: "a claim by the owner may also shorten its lease",
    async check(subject) {
      const key = new Key(subject);
      expectSame("a long claim", CLAIMED, await key.claim("a", { lease: 20 }));
      await key.expectClaimed("a");
      await elapse(subject, 1.1);
      await key.expectClaimed("b");
    },
  },
  {
    id: "claim/lapsed-and-renewed",
    contract: "an owner whose lease has passed gets the key back while nobody else has it",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await elapse(subject, 1.1);
      await key.expectClaimed("a");
      await key.expectHeldBy("a");
      await key.expectCompletion(true, "a", "done");
    },
  },
  {
    id: "complete/own",
    contract: "a completed key answers its record to everyone, its owner included, beyond the lease",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await key.expectCompletion(true, "a", "done");
      await key.expectFinished("done");
      expectSame("a claim by the owner", { state: "finished", record: "done" }, await key.claim("a"));
      await elapse(subject, 1.5);
      await key.expectFinished("done");
    },
  },
  {
    id: "complete/forgotten",
    contract: "a record is forgotten after its time to live, whoever asked for it meanwhile",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      expectSame("complete", true, await key.complete("a", "done", 1));
      await elapse(subject, 0.5);
      await key.expectFinished("done");
      await elapse(subject, 0.6);
      await key.expectClaimed("b");
    },
  },
  {
    id: "complete/foreign",
    contract: "only the owner completes: others are told no, and nothing changes",
    async check(subject) {
      const key = new Key(subject);
      await key.expectCompletion(false, "a", "of a free key");
      await key.expectClaimed("a");
      await key.expectCompletion(false, "b", "of another's key");
      await key.expectHeldBy("a");
      await key.expectCompletion(true, "a", "done");
    },
  },
  {
    id: "complete/once",
    contract: "a record is not replaced",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await key.expectCompletion(true, "a", "first");
      await key.expectCompletion(false, "a", "second");
      await key.expectCompletion(false, "b", "third");
      await key.expectFinished("first");
    },
  },
  {
    id: "complete/lapsed-lease",
    contract: "an owner whose lease has passed completes nothing, although the key is free",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await elapse(subject, 1.1);
      await key.expectCompletion(false, "a", "too late");
      await key.expectClaimed("b");
    },
  },
  {
    id: "release/own",
    contract: "the owner frees its key",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await key.release("a");
      await key.expectClaimed("b");
      await key.expectCompletion(false, "a", "no longer its");
    },
  },
  {
    id: "release/foreign",
    contract: "nobody frees the key of another, and a free key may be freed",
    async check(subject) {
      const key = new Key(subject);
      await key.release("a");
      await key.expectClaimed("a");
      await key.release("b");
      await key.expectHeldBy("a");
    },
  },
  {
    id: "release/finished",
    contract: "a record is not freed, not even by who was its owner",
    async check(subject) {
      const key = new Key(subject);
      await key.expectClaimed("a");
      await key.expectCompletion(true, "a", "done");
      await key.release("a");
      await key.release("b");
      await key.expectFinished("done");
    },
  },
  {
    id: "text/keys",
    contract: "keys are told apart character by character",
    async check(subject) {
      const base = crypto.randomUUID();
      const names = ["", "A", "a", "a ", "%", "*", "a:b", "a\nb", "é", "e\u0301", "語", "🔑", "x".repeat(200)];
      const keys = names.map((name) => new Key(subject, base + name));
      for (const [index, key] of keys.entries()) await key.expectClaimed(`owner ${index}`);
      for (const [index, key] of keys.entries()) await key.expectCompletion(true, `owner ${index}`, key.name);
      for (const key of keys) await key.expectFinished(key.name);
    },
  },
  {
    id: "text/owners",
    contract: "owners are told apart character by character",
    async check(subject) {
      const owners = ["a", "a b", "a b c", "A", "", " ", "a\n", "é", "1", "11"];
      for (const owner of owners) {
        const key = new Key(subject);
        await key.expectClaimed(owner);
        for (const other of owners.filter((name) => name !== owner)) {
          expectSame(`complete by ${JSON.stringify(other)}`, false, await key.complete(other, "no"));
          await key.release(other);
        }
        await key.expectHeldBy(owner);
        await key.expectCompletion(true, owner, "done");
      }
    },
  },
  {
    id: "text/verbatim",
    contract: "fingerprints and records come back as they were, also empty and foreign ones",
    async check(subject) {
      const texts = ["", " ", "null", "finished", "running 1 a b", '{"a":null}', "\r\n\t", "Ünïcödé 語 🔑", "\ufeffx"];
      for (const text of texts) {
        const key = new Key(subject);
        expectSame("a claim", CLAIMED, await key.claim("a", { fingerprint: text }));
        const running = { state: "running", fingerprint: text };
        expectSame("a claim by another owner", running, await key.claim("b"));
        expectSame("complete", true, await key.complete("a", text));
        await key.expectFinished(text);
      }
    },
  },
  {
    id: "text/large",
    contract: "a record may have a million characters, as a large result has",
    async check(subject) {
      const key = new Key(subject);
      const record = "0123456789abcdef".repeat(62_500);
      await key.expectClaimed("a");
      expectSame("complete", true, await key.complete("a", record));
      await key.expectFinished(record);
    },
  },
];

function expectSame(what: string, expected: unknown, received: unknown): void {
  const wanted = show(expected);
  const found = show(received);
  if (wanted !== found) throw new Error(`${what} must give ${shorten(wanted)}, got ${shorten(found)}`);
}

/** Answers are flat: their fields in order of name. */
function show(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  return JSON.stringify(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function shorten(text: string): string {
  return text.length > 200 ? `${recordableText(text, 200)}... (${text.length} characters)` : text;
}
