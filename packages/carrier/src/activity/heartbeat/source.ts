import { describeReceived, isObject } from "../../protocol/fields.js";
import { BOOLEAN, knownOptions, type OptionNames } from "../../protocol/options.js";
import { type EngineHeartbeatOptions, engineHeartbeatSender } from "./engine-heartbeat-sender.js";
import type { HeartbeatSender } from "./heartbeat-sender.js";
import type { HeartbeatSource } from "./part.js";
import { createRunHeartbeats } from "./run-heartbeats.js";

/** Options of `heartbeats`. */
export interface HeartbeatOptions {
  /** Brings them to the engine. */
  readonly sender: HeartbeatSender;
  /**
   * Whether heartbeats are sent while a handler runs though it makes none: for handlers that cannot, and whose run is
   * worth the lease as long as the process lives. Not where the caller renews the lease. Default false.
   */
  readonly automatic?: boolean | undefined;
}

const OPTION_NAMES: OptionNames<HeartbeatOptions> = { sender: true, automatic: BOOLEAN };

/**
 * Heartbeats by a sender of your own, for a carrier's option `heartbeat`.
 *
 * @throws {TypeError} naming the option that makes no sense
 */
export function heartbeats(options: HeartbeatOptions): HeartbeatSource {
  const { sender, automatic = false } = knownOptions(options, OPTION_NAMES, "heartbeats");
  if (!isObject(sender) || typeof sender["send"] !== "function") {
    throw new TypeError(`sender must be an object with the method send, got ${describeReceived(sender)}`);
  }
  return { automatic, start: (run) => createRunHeartbeats(run, sender, automatic) };
}

/** Options of `engineHeartbeats`. */
export interface EngineHeartbeatsOptions extends EngineHeartbeatOptions {
  /** As in {@link HeartbeatOptions}. */
  readonly automatic?: boolean | undefined;
}

/**
 * Heartbeats over an engine's worker API, for a carrier's option `heartbeat`.
 *
 * ```ts
 * const handler = new InvocableActivityHandler(activities, {
 *   heartbeat: engineHeartbeats({ serverUrl: "https://engine.example.com", token: () => readToken() }),
 * });
 * ```
 *
 * @throws {TypeError} as {@link engineHeartbeatSender}
 */
export function engineHeartbeats(options: EngineHeartbeatsOptions): HeartbeatSource {
  if (!isObject(options)) throw new TypeError("engineHeartbeats needs { serverUrl, token, namespace? }");
  const { automatic, ...engine } = options;
  return heartbeats({ sender: engineHeartbeatSender(engine), automatic });
}
