import { describeReceived } from "../../protocol/fields.js";
import { knownOptions, type OptionNames } from "../../protocol/options.js";
import type {
  IdempotencyClaim,
  IdempotencyClaimAnswer,
  IdempotencyCompletion,
  IdempotencyRelease,
  IdempotencyStore,
} from "./store.js";

/** What is used of an `ioredis` client or cluster, 5 or newer. Its `call` tells it apart. */
export interface IoredisClient {
  readonly call: unknown;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** What is used of a `redis` (node-redis) client, pool, cluster or sentinel, 4 or newer. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** Options of a store in Redis. Times are in milliseconds. */
export interface RedisIdempotencyStoreOptions {
  /**
   * A client of `ioredis` or `redis`: connected, and closed, by you. Any other client does that is given in the shape of
   * {@link NodeRedisClient}.
   */
  readonly client: IoredisClient | NodeRedisClient;
  /** Put before every key, as it is. Default `durable-workflow:idempotency:`. */
  readonly prefix?: string;
}

/*
 * One key each, so that a cluster can run them. A value is "running LENGTH OWNER FINGERPRINT", where the length of the
 * owner keeps one owner from being the front of another, or "finished RECORD". Redis runs a script without anything in
 * between; NX is what makes the claim a claim.
 */

/** ARGV: the front of the owner's own values, its fingerprint, its lease. Answers "claimed", or "=" and what is there. */
const CLAIM = `
local claim = ARGV[1] .. ARGV[2]
if redis.call('SET', KEYS[1], claim, 'NX', 'PX', ARGV[3]) then return 'claimed' end
local value = redis.call('GET', KEYS[1])
if string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then return '=' .. value end
redis.call('SET', KEYS[1], claim, 'PX', ARGV[3])
return 'claimed'`;

const IS_OWN = `
local value = redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then return 0 end`;

/** ARGV: the front of the owner's own values, what to put in their place, and for how long. */
const COMPLETE = `${IS_OWN}
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/** ARGV: the front of the owner's own values. */
const RELEASE = `${IS_OWN}
return redis.call('DEL', KEYS[1])`;

const FINISHED = "finished ";
const IS_RUNNING = /^=running (\d+) /;
const IS_FINISHED = `=${FINISHED}`;

const OPTION_NAMES: OptionNames<RedisIdempotencyStoreOptions> = {
  client: true,
  prefix: true,
};

/**
 * Remembers outcomes in Redis, for all processes that use the same server and prefix. Needs `EVAL`, and a server that
 * evicts no keys (`maxmemory-policy noeviction`): one that does forgets claims and outcomes. Times are the server's own.
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  private readonly prefix: string;
  private readonly evaluate: (script: string, key: string, args: string[]) => Promise<unknown>;

  /** @throws {TypeError} for what is no client, and a prefix that is no text */
  constructor(options: RedisIdempotencyStoreOptions) {
    const known = knownOptions(options, OPTION_NAMES, "RedisIdempotencyStore");
    const { client, prefix = "durable-workflow:idempotency:" } = known;
    if (typeof (client as { eval?: unknown } | null | undefined)?.eval !== "function") {
      throw new TypeError(`client must be a client of ioredis or redis, got ${describeReceived(client)} without eval`);
    }
    if (typeof prefix !== "string") throw new TypeError(`prefix must be a string, got ${describeReceived(prefix)}`);
    this.prefix = prefix;
    this.evaluate = isIoredis(client)
      ? async (script, key, args) => client.eval(script, 1, key, ...args)
      : async (script, key, args) => client.eval(script, { keys: [key], arguments: args });
  }

  async claim(key: string, { owner, fingerprint, leaseMs }: IdempotencyClaim): Promise<IdempotencyClaimAnswer> {
    const answer = textOf(await this.run(CLAIM, key, [ownFront(owner), fingerprint, String(leaseMs)]));
    if (answer === "claimed") return { state: "claimed" };
    if (answer.startsWith(IS_FINISHED)) return { state: "finished", record: answer.slice(IS_FINISHED.length) };
    const running = IS_RUNNING.exec(answer);
    if (running === null) throw new RedisStoreError("FOREIGN_VALUE");
    return { state: "running", fingerprint: answer.slice(running[0].length + Number(running[1]) + 1) };
  }

  async complete(key: string, { owner, record, ttlMs }: IdempotencyCompletion): Promise<boolean> {
    const args = [ownFront(owner), FINISHED + record, String(ttlMs)];
    return Number(await this.run(COMPLETE, key, args)) === 1;
  }

  async release(key: string, { owner }: IdempotencyRelease): Promise<void> {
    await this.run(RELEASE, key, [ownFront(owner)]);
  }

  private async run(script: string, key: string, args: string[]): Promise<unknown> {
    try {
      return await this.evaluate(script, this.prefix + key, args);
    } catch (error) {
      const code = /^[A-Z]{2,20}(?= )/.exec(error instanceof Error ? error.message : "");
      throw code === null ? error : new RedisStoreError(code[0], { cause: error });
    }
  }
}

/** Redis said no (`NOAUTH`, `OOM`, `READONLY`, `WRONGTYPE`), or a key holds what this store did not write. */
class RedisStoreError extends Error {
  override readonly name = "RedisStoreError";
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(`Redis cannot serve as idempotency store: ${code}`, options);
    this.code = code;
  }
}

function isIoredis(client: IoredisClient | NodeRedisClient): client is IoredisClient {
  return typeof (client as Partial<IoredisClient>).call === "function";
}

/** Values of this owner, and of no other, begin like this. */
function ownFront(owner: string): string {
  return `running ${owner.length} ${owner} `;
}

/** Clients may be set up to answer with bytes. Empty for what is no text. */
function textOf(answer: unknown): string {
  if (answer instanceof Uint8Array) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(answer);
  return typeof answer === "string" ? answer : "";
}
