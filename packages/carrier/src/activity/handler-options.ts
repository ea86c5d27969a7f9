import { AVRO_CODEC } from "../protocol/constants.js";
import { BOOLEAN, COUNT, FUNCTION, knownOptions, madeBy, methods, type OptionNames } from "../protocol/options.js";
import type { PayloadStorage } from "../storage/payload-storage.js";
import { type Clock, systemClock } from "./clock.js";
import type { ActivityInterceptors } from "./definition/interceptor.js";
import type { HeartbeatSource } from "./heartbeat/part.js";
import type { ActivityIdempotency, PerformOnce } from "./idempotency/part.js";
import { guardLogger, type Logger } from "./logger.js";
import type { HeartbeatObserver } from "./run/run-context.js";

/** Options of a handler, whatever brings it its tasks. */
export interface InvocableActivityHandlerOptions {
  /** Names this carrier in `metadata.carrier` of every result. Default `typescript-invocable`. */
  readonly carrier?: string | undefined;
  /** The codec of results. `avro`, the default, is the only one. */
  readonly resultCodec?: "avro" | undefined;
  /** Whether failures carry the stack traces of what handlers threw, causes included. Default true. */
  readonly stackTraces?: boolean | undefined;
  /** `interceptWith(...)`: code around every activity. Default none. */
  readonly interceptors?: ActivityInterceptors | undefined;
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
   * How many values the arguments may have of all tasks that run at once, as `docs/write/payloads.md` counts them: some 64 bytes
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
  carrier: [(value) => typeof value === "string" && value !== "", "a non-empty string"],
  resultCodec: [(value) => value === AVRO_CODEC, `"${AVRO_CODEC}"`],
  stackTraces: BOOLEAN,
  interceptors: madeBy("interceptWith", "~around"),
  idempotency: madeBy("idempotent", "forCarrier"),
  heartbeat: madeBy("engineHeartbeats", "start"),
  externalStorage: madeBy("externalStorage", "read"),
  maxArgumentValues: COUNT,
  logger: methods(["debug", "info", "warn", "error"]),
  clock: methods(["now", "monotonic", "schedule"]),
  onHeartbeat: FUNCTION,
};

/** The options, complete. */
export interface HandlerSettings {
  readonly carrier: string;
  readonly stackTraces: boolean;
  readonly interceptors?: ActivityInterceptors | undefined;
  readonly idempotency: PerformOnce | undefined;
  readonly externalStorage?: PayloadStorage | undefined;
  readonly heartbeat?: HeartbeatSource | undefined;
  readonly onHeartbeat?: HeartbeatObserver | undefined;
  readonly maxArgumentValues: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** @throws {TypeError} naming the option that makes no sense */
export function resolveHandlerOptions(given: InvocableActivityHandlerOptions | undefined): HandlerSettings {
  const options = knownOptions(given, HANDLER_OPTION_NAMES, "an invocable activity handler", {
    carrier: "typescript-invocable",
    stackTraces: true,
    maxArgumentValues: 1_000_000,
    clock: systemClock,
  });
  const { clock, idempotency, logger } = options;
  return { ...options, idempotency: idempotency?.forCarrier(clock), logger: guardLogger(logger) };
}
