import type { DispatcherEvent, EventStream } from "./events.js";

/** Says something on a stream: for what is built of the dispatcher's parts. */
export function tell(events: EventStream, event: DispatcherEvent): void {
  events.emit(event);
}
