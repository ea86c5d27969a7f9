import { describeReceived, isObject } from "../../protocol/fields.js";
import { knownOptions, type OptionNames } from "../../protocol/options.js";
import type { ActivityInfo } from "../context.js";
import type { IdempotencyStore } from "./store.js";

/** Timers overflow above this. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Options of `idempotent`. */
export interface IdempotencyOptions {
  /** Where keys are held and outcomes remembered: all processes that may get the same task must share it. */
  readonly store: IdempotencyStore;
  /**
   * What makes two tasks the same piece of work. Default: `info.idempotencyKey`. `undefined` or an empty text: this task
   * runs without idempotency. What it throws fails the task as if the handler had thrown it.
   */
  readonly key?: (info: ActivityInfo, args: readonly unknown[]) => string | undefined;
  /** For how many milliseconds an outcome is remembered. Default 24 hours. */
  readonly ttlMs?: number;
  /**
   * For how many milliseconds a process that has died still holds its keys. Default 30,000; at least 100. Renewed every
   * third of it while the handler runs. A handler that goes on after its task was answered keeps its key this long.
   */
  readonly leaseMs?: number;
  /** How long each call of the store may take, in milliseconds. Default 5,000. Keep it well below the tasks' deadlines. */
  readonly storeTimeoutMs?: number;
  /**
   * What becomes of a task whose key cannot be claimed because the store fails, hangs or answers nonsense. `fail`, the
   * default: a retryable failure. `run`: the handler runs, without protection.
   */
  readonly whenStoreFails?: "fail" | "run";
}

const OPTION_NAMES: OptionNames<IdempotencyOptions> = {
  store: true,
  key: true,
  ttlMs: true,
  leaseMs: true,
  storeTimeoutMs: true,
  whenStoreFails: true,
};

/** The options, complete. */
export type IdempotencySettings = Required<IdempotencyOptions>;

/**
 * A `key` that holds over all attempts of an activity execution: its id, where the caller sends it (header
 * `activity_execution_id`), else the task's own idempotency key.
 */
export function byExecution(info: ActivityInfo): string {
  return info.executionId ?? info.idempotencyKey;
}

function byTask(info: ActivityInfo): string {
  return info.idempotencyKey;
}

/** @throws {TypeError} naming the option that makes no sense */
export function resolveIdempotencyOptions(options: IdempotencyOptions): IdempotencySettings {
  if (!isObject(options)) throw new TypeError(`idempotency must be an object, got ${describeReceived(options)}`);
  knownOptions(options, OPTION_NAMES, "idempotency");
  const { store, key = byTask, ttlMs = 86_400_000, leaseMs = 30_000, storeTimeoutMs = 5000 } = options;
  const { whenStoreFails = "fail" } = options;
  for (const method of ["claim", "complete", "release"] as const) {
    if (typeof (store as Partial<IdempotencyStore> | null | undefined)?.[method] === "function") continue;
    throw new TypeError(`idempotency.store must have the methods claim, complete and release, ${method} is missing`);
  }
  if (typeof key !== "function") {
    throw new TypeError(`idempotency.key must be a function, got ${describeReceived(key)}`);
  }
  requireMilliseconds("ttlMs", ttlMs, 1, Number.MAX_SAFE_INTEGER);
  requireMilliseconds("leaseMs", leaseMs, 100, LONGEST_DELAY_MS);
  requireMilliseconds("storeTimeoutMs", storeTimeoutMs, 1, LONGEST_DELAY_MS);
  if (whenStoreFails !== "fail" && whenStoreFails !== "run") {
    throw new TypeError('idempotency.whenStoreFails must be "fail" or "run"');
  }
  return { store, key, ttlMs, leaseMs, storeTimeoutMs, whenStoreFails };
}

function requireMilliseconds(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const range = `a whole number of milliseconds from ${least} to ${most}`;
  throw new TypeError(`idempotency.${name} must be ${range}, got ${describeReceived(value)}`);
}
