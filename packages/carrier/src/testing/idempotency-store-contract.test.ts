import { describe, expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.js";
import { MemoryIdempotencyStore } from "../activity/idempotency/memory-store.js";
import type {
  IdempotencyClaim,
  IdempotencyCompletion,
  IdempotencyRelease,
  IdempotencyStore,
} from "../activity/idempotency/store.js";
import { idempotencyStoreContract } from "./idempotency-store-contract.js";

/** A store that does all right, for others to do one thing wrong. */
class Sound implements IdempotencyStore {
  protected readonly inner: IdempotencyStore;

  constructor(clock: FakeClock) {
    this.inner = new MemoryIdempotencyStore({ clock });
  }
  claim(key: string, claim: IdempotencyClaim) {
    return this.inner.claim(key, claim);
  }
  complete(key: string, completion: IdempotencyCompletion) {
    return this.inner.complete(key, completion);
  }
  release(key: string, release: IdempotencyRelease) {
    return this.inner.release(key, release);
  }
}

const FOREVER = 1e12;

/** What is wrong with each, and the case that must notice; others may as well. */
const BROKEN: Readonly<Record<string, new (clock: FakeClock) => Sound>> = {
  "claim/one-of-many": class extends Sound {
    private readonly owners = new Map<string, string>();
    /** Looks, and then takes: others do so meanwhile. */
    override async claim(key: string, claim: IdempotencyClaim) {
      const owner = this.owners.get(key);
      await new Promise(setImmediate);
      if (owner !== undefined) return this.inner.claim(key, claim);
      this.owners.set(key, claim.owner);
      return { state: "claimed" as const };
    }
  },
  "claim/free": class extends Sound {
    override async claim(key: string, claim: IdempotencyClaim) {
      const answer = await this.inner.claim(key, claim);
      return answer.state === "running" ? { state: "running" as const, fingerprint: claim.fingerprint } : answer;
    }
  },
  "claim/lapsed-lease": class extends Sound {
    override claim(key: string, claim: IdempotencyClaim) {
      return this.inner.claim(key, { ...claim, leaseMs: FOREVER });
    }
  },
  "claim/renewed": class extends Sound {
    private readonly owners = new Map<string, string>();
    override async claim(key: string, claim: IdempotencyClaim) {
      if (this.owners.get(key) === claim.owner) return { state: "claimed" as const };
      const answer = await this.inner.claim(key, claim);
      if (answer.state === "claimed") this.owners.set(key, claim.owner);
      return answer;
    }
  },
  "complete/own": class extends Sound {
    private readonly leases = new Map<string, number>();
    override claim(key: string, claim: IdempotencyClaim) {
      this.leases.set(key, claim.leaseMs);
      return this.inner.claim(key, claim);
    }
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key, { ...completion, ttlMs: this.leases.get(key) ?? 1 });
    }
  },
  "complete/forgotten": class extends Sound {
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key, { ...completion, ttlMs: FOREVER });
    }
  },
  "complete/foreign": class extends Sound {
    private readonly owners = new Map<string, string>();
    override async claim(key: string, claim: IdempotencyClaim) {
      const answer = await this.inner.claim(key, claim);
      if (answer.state === "claimed") this.owners.set(key, claim.owner);
      return answer;
    }
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key, { ...completion, owner: this.owners.get(key) ?? completion.owner });
    }
  },
  "complete/once": class extends Sound {
    override async complete(key: string, completion: IdempotencyCompletion) {
      await this.inner.complete(key, completion);
      return true;
    }
  },
  "complete/lapsed-lease": class extends Sound {
    /** Takes a key that has become free. */
    override async complete(key: string, completion: IdempotencyCompletion) {
      await this.inner.claim(key, { ...completion, fingerprint: "", leaseMs: 1 });
      return this.inner.complete(key, completion);
    }
  },
  "release/own": class extends Sound {
    override async release() {}
  },
  "release/foreign": class extends Sound {
    private readonly owners = new Map<string, string>();
    override async claim(key: string, claim: IdempotencyClaim) {
      const answer = await this.inner.claim(key, claim);
      if (answer.state === "claimed") this.owners.set(key, claim.owner);
      return answer;
    }
    override release(key: string, { owner }: IdempotencyRelease) {
      return this.inner.release(key, { owner: this.owners.get(key) ?? owner });
    }
  },
  "text/keys": class extends Sound {
    override claim(key: string, claim: IdempotencyClaim) {
      return this.inner.claim(key.normalize(), claim);
    }
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key.normalize(), completion);
    }
  },
  "text/owners": class extends Sound {
    override claim(key: string, claim: IdempotencyClaim) {
      return this.inner.claim(key, { ...claim, owner: claim.owner.trim() });
    }
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key, { ...completion, owner: completion.owner.trim() });
    }
    override release(key: string, { owner }: IdempotencyRelease) {
      return this.inner.release(key, { owner: owner.trim() });
    }
  },
  "text/verbatim": class extends Sound {
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key, { ...completion, record: completion.record.replace("\ufeff", "") });
    }
  },
  "text/large": class extends Sound {
    override complete(key: string, completion: IdempotencyCompletion) {
      return this.inner.complete(key, { ...completion, record: completion.record.slice(0, 65_536) });
    }
  },
};

/** The cases that a store fails, with what they say. */
async function failures(Store: new (clock: FakeClock) => Sound): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  for (const { id, check } of idempotencyStoreContract) {
    const clock = new FakeClock();
    const elapse = (ms: number): Promise<void> => clock.advance(ms);
    await check({ store: new Store(clock), leaseMs: 30_000, elapse }).catch((error: unknown) => {
      failed.set(id, error instanceof Error ? error.message : "");
    });
  }
  return failed;
}

describe("the store contract", () => {
  it("finds nothing wrong with a sound store", async () => {
    expect(await failures(Sound)).toEqual(new Map());
  });

  it.each(Object.keys(BROKEN))("sees a store that breaks %s", async (id) => {
    expect([...(await failures(BROKEN[id] ?? Sound)).keys()]).toContain(id);
  });

  it("says what it expected and what it found", async () => {
    const { "complete/once": Replacing = Sound, "text/large": Cutting = Sound } = BROKEN;
    expect((await failures(Replacing)).get("complete/once")).toBe("complete by a must give false, got true");
    const cut = (await failures(Cutting)).get("text/large");
    expect(cut).toMatch(/^a claim of a finished key must give .{200}\.\.\. \(\d+ characters\), got .{200}\.\.\./);
  });

  it("has a name for each case, and a sentence", () => {
    expect(new Set(idempotencyStoreContract.map(({ id }) => id)).size).toBe(idempotencyStoreContract.length);
    for (const { id, contract } of idempotencyStoreContract) {
      expect(id).toMatch(/^(?:claim|complete|release|text)\/[a-z-]+$/);
      expect(contract.length).toBeGreaterThan(20);
    }
  });
});
