import { AVRO_CODEC } from "../protocol/constants.js";
import { isObject } from "../protocol/fields.js";
import type { HeartbeatProgress } from "../protocol/heartbeat-progress.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import {
  type ExternalStorage,
  type ExternalStorageOptions,
  resolveExternalStorage,
} from "../storage/external-storage.js";
import { EXTERNAL_STORAGE_OPTION_NAMES } from "../storage/option-names.js";
import { type Clock, systemClock } from "./clock.js";
import type { ActivityInfo } from "./context.js";
import { type EngineHeartbeatOptions, engineHeartbeatSender } from "./engine-heartbeat-sender.js";
import type { HeartbeatSender } from "./heartbeat-sender.js";
import { Idempotency } from "./idempotency/idempotency.js";
import type { IdempotencyOptions } from "./idempotency/options.js";
import { type ActivityInterceptor, checkInterceptors } from "./interceptor.js";
import { guardLogger, type Logger, silentLogger } from "./logger.js";
import type { MapError } from "./map-error.js";

export interface InvocableActivityHandlerOptions extends ExternalStorageOptions {
  /** Names this carrier in `metadata.carrier` of every result. Default `typescript-invocable`. */
  readonly carrier?: string | undefined;
  /** The codec of results. `avro`, the default, is the only one. */
  readonly resultCodec?: "avro" | undefined;
  /** Whether failures carry the stack traces of what handlers threw, causes included. Default true. */
  readonly stackTraces?: boolean | undefined;
  /** Code around every activity, the first outermost. Default none. */
  readonly interceptors?: readonly ActivityInterceptor[] | undefined;
  /** Says what becomes of what handlers and interceptors throw. Default: `docs/errors-and-retries.md` has the table. */
  readonly mapError?: MapError | undefined;
  /**
   * Runs a task once for each idempotency key, and answers the other deliveries with the outcome of that one:
   * `docs/idempotency.md`. Default: every delivery runs the handler.
   *
   * With it, what a handler returns after its task was answered (at a deadline, say) counts as the outcome for the next
   * delivery: a handler that stops early must throw (`signal.throwIfAborted()`), not return.
   */
  readonly idempotency?: IdempotencyOptions | undefined;
  /**
   * How `context.heartbeat` reaches the engine: its address and a worker's token, or a sender of your own. Without it
   * heartbeats go nowhere, and only the caller can renew the lease.
   */
  readonly heartbeat?: EngineHeartbeatOptions | HeartbeatSender | undefined;
  /**
   * Whether heartbeats are sent while a handler runs though it makes none: for handlers that cannot, and whose run is
   * worth the lease as long as the process lives. Not where the caller renews the lease. Default false.
   */
  readonly automaticHeartbeats?: boolean | undefined;
  /**
   * How many values the arguments may have of all tasks that run at once, as `docs/payloads.md` counts them: some 64 bytes
   * of memory each. A task that there is no room for is not run: an endpoint answers 503 with `Retry-After`, `handle` with
   * a retryable `CarrierOverloaded`. Default 1,000,000.
   */
  readonly maxArgumentValues?: number | undefined;
  /** Default: silent. Never gets arguments, results, messages of errors or secrets. */
  readonly logger?: Logger | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Told of each call of `context.heartbeat`: for the test kit.
   *
   * @internal
   */
  readonly onHeartbeat?: HeartbeatObserver | undefined;
}

/** @internal */
export const HANDLER_OPTION_NAMES: OptionNames<InvocableActivityHandlerOptions> = {
  ...EXTERNAL_STORAGE_OPTION_NAMES,
  carrier: true,
  resultCodec: true,
  stackTraces: true,
  interceptors: true,
  mapError: true,
  idempotency: true,
  heartbeat: true,
  automaticHeartbeats: true,
  maxArgumentValues: true,
  logger: true,
  clock: true,
  onHeartbeat: true,
};

export type HeartbeatObserver = (info: ActivityInfo, progress: HeartbeatProgress | undefined) => void;

/** The options, complete. */
export interface HandlerSettings {
  readonly carrier: string;
  readonly stackTraces: boolean;
  readonly interceptors: readonly ActivityInterceptor[];
  readonly mapError: MapError | undefined;
  readonly idempotency: Idempotency | undefined;
  readonly storage: ExternalStorage | undefined;
  readonly sender: HeartbeatSender | undefined;
  readonly automaticHeartbeats: boolean;
  readonly onHeartbeat: HeartbeatObserver | undefined;
  readonly maxArgumentValues: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** @throws {TypeError} naming the option that makes no sense */
export function resolveHandlerOptions(given: InvocableActivityHandlerOptions | undefined): HandlerSettings {
  const options = knownOptions(given, HANDLER_OPTION_NAMES, "an invocable activity handler");
  const { carrier = "typescript-invocable", resultCodec = AVRO_CODEC, interceptors = [], mapError } = options;
  const { automaticHeartbeats = false, logger, clock = systemClock, idempotency } = options;
  const { maxArgumentValues = 1_000_000 } = options;
  if (typeof carrier !== "string" || carrier === "") throw new TypeError("carrier must be a non-empty string");
  if (resultCodec !== AVRO_CODEC) throw new TypeError('resultCodec must be "avro"');
  if (mapError !== undefined && typeof mapError !== "function") throw new TypeError("mapError must be a function");
  if (!Number.isSafeInteger(maxArgumentValues) || maxArgumentValues < 1) {
    throw new TypeError("maxArgumentValues must be an integer >= 1");
  }
  requireMethods("clock", clock, ["now", "monotonic", "schedule"]);
  if (logger !== undefined) requireMethods("logger", logger, ["debug", "info", "warn", "error"]);
  const sender = toSender(options.heartbeat);
  if (automaticHeartbeats && sender === undefined) {
    throw new TypeError("automaticHeartbeats needs the option heartbeat to send them with");
  }
  return {
    carrier,
    stackTraces: options.stackTraces ?? true,
    interceptors: checkInterceptors(interceptors),
    mapError,
    idempotency: idempotency === undefined ? undefined : new Idempotency(idempotency, clock),
    storage: resolveExternalStorage(options),
    sender,
    automaticHeartbeats,
    onHeartbeat: options.onHeartbeat,
    maxArgumentValues,
    logger: logger === undefined ? silentLogger : guardLogger(logger),
    clock,
  };
}

function requireMethods(option: string, value: unknown, methods: readonly string[]): void {
  const members = (value ?? {}) as Readonly<Record<string, unknown>>;
  const missing = methods.find((method) => typeof members[method] !== "function");
  if (missing === undefined) return;
  throw new TypeError(`${option} must have the methods ${methods.join(", ")}; ${missing} is missing`);
}

function toSender(heartbeat: EngineHeartbeatOptions | HeartbeatSender | undefined): HeartbeatSender | undefined {
  if (heartbeat === undefined || isSender(heartbeat)) return heartbeat;
  if (!isObject(heartbeat)) {
    throw new TypeError("heartbeat must be { serverUrl, token, namespace? }, or an object with the method send");
  }
  return engineHeartbeatSender(heartbeat);
}

function isSender(heartbeat: EngineHeartbeatOptions | HeartbeatSender): heartbeat is HeartbeatSender {
  return isObject(heartbeat) && typeof heartbeat["send"] === "function";
}
