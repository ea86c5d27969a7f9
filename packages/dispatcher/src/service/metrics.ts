import { checkOptionNames, checkSwitches } from "@durable-workflow/engine-protocol";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { DispatcherHealth } from "../dispatch/api.js";
import type { EventStream } from "../events/events.js";

/** Options of `createMetrics`. */
export interface MetricsOptions {
  /** Whether to add those of the process: memory, CPU, event loop. Default false. */
  readonly processMetrics?: boolean;
}

/** Fills a gauge from the state. */
type Show = (health: DispatcherHealth, gauge: Gauge) => void;

/** Seconds: from a handler that does nothing to one that takes its full 15 minutes. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

/** Counts events, and shows the state, in a registry of its own that `registry.metrics()` prints for Prometheus. */
export function createMetrics(
  dispatcher: { readonly events: EventStream; health(): DispatcherHealth },
  options: MetricsOptions = {},
): Registry {
  checkOptionNames("createMetrics", options, { processMetrics: true });
  checkSwitches(options, ["processMetrics"]);
  const { processMetrics = false } = options;
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const tasks = new Counter({
    name: "dw_dispatcher_tasks_total",
    help: "Tasks by how they ended: completed, failed, cancelled, superseded, lost, abandoned.",
    labelNames: ["carrier", "activity_type", "end"],
    registers,
  });
  const taskSeconds = new Histogram({
    name: "dw_dispatcher_task_seconds",
    help: "From lease to end.",
    labelNames: ["carrier"],
    buckets: DURATIONS,
    registers,
  });
  const deliveries = new Counter({
    name: "dw_dispatcher_deliveries_total",
    help: "Deliveries by how they ended: answered, timeout, unreachable, refused, aborted.",
    labelNames: ["carrier", "outcome"],
    registers,
  });
  const deliverySeconds = new Histogram({
    name: "dw_dispatcher_delivery_seconds",
    help: "From the first try to the answer.",
    labelNames: ["carrier"],
    buckets: DURATIONS,
    registers,
  });
  const retries = new Counter({
    name: "dw_dispatcher_retries_total",
    help: "Tries again: of a delivery to a carrier, of a report to the engine, of the fetch and upload of a large payload.",
    labelNames: ["what"],
    registers,
  });
  const polls = new Counter({
    name: "dw_dispatcher_polls_total",
    help: "Polls by what came of them: task, unreadable_task, empty, draining, reregister, unavailable, refused.",
    labelNames: ["task_queue", "outcome"],
    registers,
  });
  const heartbeats = new Counter({
    name: "dw_dispatcher_heartbeats_total",
    help: "Heartbeats and lease renewals by their answer: continue, renewed, stop, lost, unavailable, refused.",
    labelNames: ["outcome"],
    registers,
  });
  const engineErrors = new Counter({
    name: "dw_dispatcher_engine_errors_total",
    help: "Requests that the engine did not answer (unavailable), or refused (refused).",
    labelNames: ["operation", "kind"],
    registers,
  });
  const payloadBytes = new Counter({
    name: "dw_dispatcher_payload_bytes_total",
    help: "Bytes of large payloads fetched from the engine, and uploaded to it.",
    labelNames: ["direction"],
    registers,
  });
  const payloadRefusals = new Counter({
    name: "dw_dispatcher_payload_refusals_total",
    help: "Large payloads that could not be had, or not be kept, for good.",
    labelNames: ["direction", "reason"],
    registers,
  });
  const configRejections = new Counter({
    name: "dw_dispatcher_config_rejections_total",
    help: "Executor configs that were refused while another one was in use.",
    registers,
  });
  const gauge = (name: string, help: string, labelNames: readonly string[], show: Show): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset();
          show(dispatcher.health(), this);
        },
      }),
    );
  };
  gauge("dw_dispatcher_in_flight", "Tasks leased and not yet ended.", [], ({ inFlight }, shown) => {
    shown.set(inFlight);
  });
  gauge("dw_dispatcher_ready", "1 while tasks are leased.", [], ({ ready }, shown) => {
    shown.set(ready ? 1 : 0);
  });
  gauge("dw_dispatcher_clock_skew_seconds", "How far the engine's clock is ahead.", [], ({ clockSkewMs }, shown) => {
    shown.set(clockSkewMs / 1000);
  });
  const dead = "1 while nothing is leased for a carrier that is dead.";
  gauge("dw_dispatcher_carrier_open", dead, ["carrier"], ({ carriers }, shown) => {
    for (const { carrier, state } of carriers) shown.set({ carrier }, state === "closed" ? 0 : 1);
  });
  gauge("dw_dispatcher_lanes", "Registrations by state.", ["state"], ({ lanes }, shown) => {
    for (const { state } of lanes) shown.inc({ state });
  });
  dispatcher.events.on((event) => {
    // The rest is for logs.
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check
    switch (event.type) {
      case "task_ended": {
        const carrier = event.carrier ?? "";
        tasks.inc({ carrier, activity_type: event.task.activityType, end: event.end });
        taskSeconds.observe({ carrier }, event.durationMs / 1000);
        break;
      }
      case "delivery_ended":
        deliveries.inc({ carrier: event.carrier, outcome: event.outcome });
        deliverySeconds.observe({ carrier: event.carrier }, event.durationMs / 1000);
        break;
      case "delivery_retried":
        retries.inc({ what: "delivery" });
        break;
      case "report_retried":
        retries.inc({ what: "report" });
        break;
      case "payload_retried":
        retries.inc({ what: event.direction });
        break;
      case "payload_moved":
        payloadBytes.inc({ direction: event.direction }, event.bytes);
        break;
      case "payload_refused":
        payloadRefusals.inc({ direction: event.direction, reason: event.reason });
        break;
      case "polled":
        polls.inc({ task_queue: event.lane.taskQueue, outcome: event.outcome });
        break;
      case "heartbeat":
        heartbeats.inc({ outcome: event.outcome });
        break;
      case "engine_unavailable":
        engineErrors.inc({ operation: event.operation, kind: "unavailable" });
        break;
      case "engine_refused":
        engineErrors.inc({ operation: event.operation, kind: "refused" });
        break;
      case "config_rejected":
        configRejections.inc();
        break;
      default:
        break;
    }
  });
  return registry;
}
