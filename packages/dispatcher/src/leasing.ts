/**
 * The parts of a dispatcher without what delivers over HTTP: leases, their keeping, reports and drains.
 * `@durable-workflow/worker` is made of them. They are not for applications: they may change with any version.
 */
export type { AbortedDelivery, DeliveryAnswer } from "./delivery/answer.js";
export type { Deliverer, Delivery, DeliveryEnd, Route, RouteRequest, Routing } from "./delivery/deliverer.js";
export { newTraceparent } from "./delivery/trace.js";
export type { DispatcherState, DrainReport } from "./dispatch/api.js";
export type { LanePlan } from "./dispatch/lane-plan.js";
export { buildMachinery, type EngineAddress } from "./dispatch/machinery.js";
export { Work } from "./dispatch/work.js";
export type { WorkSettings } from "./dispatch/work-settings.js";
export { checkWorkerId, newWorkerId } from "./dispatch/worker-id.js";
export type { HeartbeatOutcome } from "./engine/outcomes.js";
export { HealthBoard, type LaneHealth } from "./events/board.js";
export * from "./events/events.js";
export { tell } from "./events/tell.js";
export { Proxies } from "./net/proxies.js";
export { Secrets } from "./net/secrets.js";
export { logEvents } from "./service/log-lines.js";
export { handleSignals, type SignalOptions } from "./service/signals.js";
export { CallOff, type StopSignal } from "./time/call-off.js";
export { type Clock, systemClock } from "./time/clock.js";
