import {
  type ActivityAbortReason,
  ActivityCancelled,
  AttemptClosed,
  type CallerSignal,
  CarrierShutdown,
} from "@durable-workflow/carrier";
import type { Delivery, DeliveryEnd } from "@durable-workflow/dispatcher/leasing";

/** The signal of a delivery as a run takes it: its reason is in the carrier's own words. */
export class DeliverySignal implements CallerSignal {
  private readonly signal: Delivery["signal"];
  private said: ActivityAbortReason | undefined;

  constructor(signal: Delivery["signal"]) {
    this.signal = signal;
  }

  get aborted(): boolean {
    return this.signal.aborted;
  }

  /** The same whenever it is asked for. */
  get reason(): ActivityAbortReason | undefined {
    const { reason } = this.signal;
    return reason === undefined ? undefined : (this.said ??= reasonOf(reason));
  }

  addEventListener(type: "abort", listener: () => void): void {
    this.signal.addEventListener(type, listener);
  }

  removeEventListener(type: "abort", listener: () => void): void {
    this.signal.removeEventListener(type, listener);
  }
}

/** What a handler is told of why its attempt has ended. */
export function reasonOf(end: DeliveryEnd): ActivityAbortReason {
  switch (end.kind) {
    case "stopped":
      return end.cancelRequested
        ? new ActivityCancelled(`The engine asked the activity to stop: ${end.reason}.`)
        : new AttemptClosed(end.reason);
    case "lost":
      return new AttemptClosed(end.reason);
    case "abandoned":
      return new CarrierShutdown();
  }
}
