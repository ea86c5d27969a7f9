export {
  type EngineHeartbeatOptions,
  engineHeartbeatSender,
  type HeartbeatFetch,
  type HeartbeatFetchInit,
  type HeartbeatFetchResponse,
} from "./engine-heartbeat-sender.js";
export {
  type Heartbeat,
  HeartbeatError,
  type HeartbeatErrorOptions,
  type HeartbeatSender,
  isHeartbeatError,
} from "./heartbeat-sender.js";
export type { HeartbeatSource } from "./part.js";
export { type EngineHeartbeatsOptions, engineHeartbeats, type HeartbeatOptions, heartbeats } from "./source.js";
