import type { DispatcherEvent, EventStream } from "../events/events.js";

/** What events are written to: pino, console and the carrier's own loggers fit. */
export type EventLogger = Readonly<Record<Level, (fields: Record<string, unknown>, message: string) => void>> & {
  /** Asked first, so that nothing is made of an event that is not written. Default: everything is. */
  readonly isLevelEnabled?: (level: Level) => boolean;
};

/** Writes each event as one line, with the identity of its task. The function returned ends that. */
export function logEvents(events: EventStream, logger: EventLogger): () => void {
  return events.on((event) => {
    const level = levelOf(event);
    if (logger.isLevelEnabled?.(level) !== false) logger[level](flattened(event), sentenceOf(event));
  });
}

/** Task and lane lie flat in the line, so that their ids can be searched for. */
function flattened(event: DispatcherEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = { event: event.type };
  if ("lane" in event) Object.assign(fields, event.lane);
  if ("task" in event) Object.assign(fields, event.task);
  const facts: Readonly<Record<string, unknown>> = event;
  for (const name in facts) {
    if (name !== "type" && name !== "lane" && name !== "task") fields[name] = facts[name];
  }
  return fields;
}

type Level = "debug" | "info" | "warn" | "error";

function levelOf(event: DispatcherEvent): Level {
  switch (event.type) {
    case "config_rejected":
    case "engine_refused":
    case "mapping_refused":
    case "task_unreadable":
    case "payload_refused":
      return "error";
    case "engine_unavailable":
    case "leases_expired":
    case "registration_lost":
    case "worker_renamed":
    case "mapping_differs":
    case "delivery_retried":
    case "lease_ended":
    case "event_loop_blocked":
    case "report_retried":
    case "report_rejected":
    case "task_repeated":
    case "payload_retried":
      return "warn";
    case "payload_transport":
      return event.state === "unusable" ? "error" : "info";
    case "carrier_state":
      return event.state === "closed" ? "info" : "warn";
    case "delivery_ended":
      return event.likelyCause === null ? "debug" : "warn";
    case "task_ended":
      return event.end === "completed" || event.end === "cancelled" ? "info" : "warn";
    case "config_loaded":
    case "engine_version":
    case "registered":
    case "deregistered":
    case "lane_retired":
    case "draining":
    case "stopped":
      return "info";
    case "lane_state":
    case "polled":
    case "task_leased":
    case "delivery_started":
    case "heartbeat":
    case "payload_moved":
      return "debug";
  }
}

/** What to look at, by `why`, where something else than an engine answers. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  redirect: "The server URL redirects, which is not followed: the token would go along. Name the engine's own address",
  not_json: "What answers is no engine, but a page, perhaps of a proxy. See the server URL",
};

function again({ retryInMs }: { readonly retryInMs: number | null }): string {
  return retryInMs === null ? "." : "; it is asked again.";
}

const PAYLOAD_TRANSPORT = {
  on: "The engine keeps large payloads.",
  off: "The engine keeps no payloads; everything goes inline.",
  unusable: "How the engine keeps large payloads cannot be followed; everything goes inline.",
} as const;

/** Leases are renewed at a third of what is left of them, or earlier: past that a renewal is late. */
function blockedSentence({
  delayMs,
  leaseLeftMs,
}: Extract<DispatcherEvent, { readonly type: "event_loop_blocked" }>): string {
  if (leaseLeftMs !== null && leaseLeftMs <= 0)
    return "A handler kept the thread to itself until its lease had run out: the task is handed out again.";
  if (leaseLeftMs !== null && delayMs > (delayMs + leaseLeftMs) / 3)
    return "A handler kept the thread to itself for more than a third of its lease, which is lost if that lasts longer.";
  return "A handler kept the thread to itself; heartbeats and other tasks had to wait.";
}

function sentenceOf(event: DispatcherEvent): string {
  switch (event.type) {
    case "config_loaded":
      return "The executor config is in use.";
    case "config_rejected":
      return "The new executor config is refused; the old one stays in use.";
    case "engine_version":
      return "The worker protocol version is settled.";
    case "engine_unavailable":
      return `${UNAVAILABLE[event.why] ?? "The engine does not answer"}${again(event)}`;
    case "engine_refused":
      return `The engine refuses${again(event)}`;
    case "leases_expired":
      return "Leases are over as they come; nothing is leased for a while. Compare the clocks of the engine and of what is before it.";
    case "registered":
      return "Registered.";
    case "registration_lost":
      return "The engine does not know the registration any more.";
    case "worker_renamed":
      return "The registration goes on under another name.";
    case "deregistered":
      return "Deregistered.";
    case "lane_state":
      return `The registration is ${event.state}.`;
    case "lane_retired":
      return "The registration is of no more use.";
    case "polled":
      return "Polled.";
    case "task_leased":
      return "A task was leased.";
    case "task_unreadable":
      return "The engine handed out a task that cannot be read.";
    case "task_repeated":
      return "The engine handed out a task again that is in flight.";
    case "mapping_differs":
      return "The engine maps the activity differently; this machine's own mapping counts.";
    case "mapping_refused":
      return "The engine's mapping cannot be followed.";
    case "payload_transport":
      return PAYLOAD_TRANSPORT[event.state];
    case "payload_moved":
      return `A large payload was ${event.direction}.`;
    case "payload_retried":
      return "The engine does not give, or take, a large payload now; it is tried again.";
    case "payload_refused":
      return event.direction === "fetch" ? "The arguments cannot be had." : "The engine does not keep the payload.";
    case "delivery_started":
      return "The task is delivered.";
    case "delivery_retried":
      return "The carrier was not reached; delivery is tried again.";
    case "delivery_ended":
      return event.likelyCause === null ? "Delivery ended." : "The carrier seems to be deployed wrongly.";
    case "heartbeat":
      return "Heartbeat.";
    case "lease_ended":
      return event.kind === "lost" ? "The lease is lost; delivery stops." : "The engine stops the task.";
    case "report_retried":
      return "The outcome could not be reported; it is tried again.";
    case "report_rejected":
      return "The engine does not accept the outcome; a failure is reported instead.";
    case "task_ended":
      return `The task ended: ${event.end}.`;
    case "carrier_state":
      return event.state === "closed"
        ? "The carrier works again."
        : event.state === "open"
          ? "The carrier is dead; nothing is leased for it."
          : "The carrier can be connected to; one task is tried.";
    case "event_loop_blocked":
      return `${blockedSentence(event)} Move what computes to a worker thread.`;
    case "draining":
      return "Draining.";
    case "stopped":
      return "Stopped.";
  }
}
