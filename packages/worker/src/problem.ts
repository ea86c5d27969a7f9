import type { DispatcherEvent, EventStream } from "@durable-workflow/dispatcher/leasing";

/** Why nothing is leased, as far as events tell. */
export class Problem {
  private said: string | null = null;

  constructor(events: EventStream) {
    events.on((event) => this.hear(event));
  }

  get text(): string | null {
    return this.said;
  }

  private hear(event: DispatcherEvent): void {
    if (event.type === "engine_refused") {
      const { operation, status, reason, message } = event;
      this.said = `the engine refuses ${operation} with ${status}${reason === null ? "" : ` (${reason})`}: ${message}`;
    } else if (event.type === "engine_unavailable") {
      const { operation, why, status } = event;
      this.said = `the engine does not answer ${operation}: ${why}${status === null ? "" : ` (status ${status})`}`;
    } else if (event.type === "lane_state" && (event.state === "polling" || event.state === "full")) {
      this.said = null;
    }
  }
}
