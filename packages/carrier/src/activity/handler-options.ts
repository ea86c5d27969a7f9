import { AVRO_CODEC } from "../protocol/constants.js";
import { knownOptions, type OptionNames } from "../protocol/options.js";
import type { PayloadStorage } from "../storage/payload-storage.js";
import { type Clock, systemClock } from "./clock.js";
import { type ActivityInterceptor, checkInterceptors } from "./definition/interceptor.js";
import type { HeartbeatSource } from "./heartbeat/part.js";
import type { ActivityIdempotency, PerformOnce } from "./idempotency/part.js";
import { guardLogger, type Logger, silentLogger } from "./logger.js";
import type { MapError } from "./map-error.js";
import type { HeartbeatObserver } from "./run/run-context.js";

/** Options of a handler, whatever brings it its tasks. */
export interface InvocableActivityHandlerOptions {
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
  /** `idempotent({ store })` of `/idempotency`. Default: every delivery runs the handler. */
  readonly idempotency?: ActivityIdempotency | undefined;
  /**
   * `engineHeartbeats({ serverUrl, token })` of `/heartbeat`: how `context.heartbeat` reaches the engine. Default: heartbeats
   * go nowhere, and only the caller can renew the lease.
   */
  readonly heartbeat?: HeartbeatSource | undefined;
  /**
   * `externalStorage(driver)` of `/storage`: where large payloads lie. Default: references are refused, and every result
   * travels inline.
   */
  readonly externalStorage?: PayloadStorage | undefined;
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
  carrier: true,
  resultCodec: true,
  stackTraces: true,
  interceptors: true,
  mapError: true,
  idempotency: true,
  heartbeat: true,
  externalStorage: true,
  maxArgumentValues: true,
  logger: true,
  clock: true,
  onHeartbeat: true,
};

/** The options, complete. */
export interface HandlerSettings {
  readonly carrier: string;
  readonly stackTraces: boolean;
  readonly interceptors: readonly ActivityInterceptor[];
  readonly mapError: MapError | undefined;
  readonly idempotency: PerformOnce | undefined;
  readonly storage: PayloadStorage | undefined;
  readonly heartbeat: HeartbeatSource | undefined;
  readonly onHeartbeat: HeartbeatObserver | undefined;
  readonly maxArgumentValues: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** @throws {TypeError} naming the option that makes no sense */
export function resolveHandlerOptions(given: InvocableActivityHandlerOptions | undefined): HandlerSettings {
  const options = knownOptions(given, HANDLER_OPTION_NAMES, "an invocable activity handler");
  const { carrier = "typescript-invocable", resultCodec = AVRO_CODEC, interceptors = [], mapError } = options;
  const { logger, clock = systemClock, idempotency, heartbeat, externalStorage } = options;
  const { maxArgumentValues = 1_000_000 } = options;
  if (typeof carrier !== "string" || carrier === "") throw new TypeError("carrier must be a non-empty string");
  if (resultCodec !== AVRO_CODEC) throw new TypeError('resultCodec must be "avro"');
  if (mapError !== undefined && typeof mapError !== "function") throw new TypeError("mapError must be a function");
  if (!Number.isSafeInteger(maxArgumentValues) || maxArgumentValues < 1) {
    throw new TypeError("maxArgumentValues must be an integer >= 1");
  }
  requireMethods("clock", clock, ["now", "monotonic", "schedule"]);
  if (logger !== undefined) requireMethods("logger", logger, ["debug", "info", "warn", "error"]);
  if (heartbeat !== undefined) requireMethods("heartbeat", heartbeat, ["start"], "engineHeartbeats");
  if (idempotency !== undefined) requireMethods("idempotency", idempotency, ["forCarrier"], "idempotent");
  if (externalStorage !== undefined) {
    requireMethods("externalStorage", externalStorage, ["read", "write", "exceedsThreshold"], "externalStorage");
  }
  return {
    carrier,
    stackTraces: options.stackTraces ?? true,
    interceptors: checkInterceptors(interceptors),
    mapError,
    idempotency: idempotency?.forCarrier(clock),
    storage: externalStorage,
    heartbeat,
    onHeartbeat: options.onHeartbeat,
    maxArgumentValues,
    logger: logger === undefined ? silentLogger : guardLogger(logger),
    clock,
  };
}

/** @param maker what makes the right thing; undefined where the user does */
function requireMethods(option: string, value: unknown, methods: readonly string[], maker?: string): void {
  const members = (value ?? {}) as Readonly<Record<string, unknown>>;
  const missing = methods.find((method) => typeof members[method] !== "function");
  if (missing === undefined) return;
  throw new TypeError(
    maker === undefined
      ? `${option} must have the methods ${methods.join(", ")}; ${missing} is missing`
      : `${option} must be what ${maker}(...) makes`,
  );
}
