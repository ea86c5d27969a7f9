import {
  type InvocableResultEnvelope,
  isExternalTaskInputError,
  type JsonObject,
} from "@durable-workflow/carrier/protocol";
import { CallOff, type StopSignal } from "../time/call-off.js";
import { type Clock, timerDelay } from "../time/clock.js";
import type { AbortedDelivery, DeliveryAnswer, HttpAnswer } from "./answer.js";
import type { TimeLimit } from "./timeouts.js";

/** A carrier of this process. Every `InvocableHandler` of `@durable-workflow/carrier` is one. */
export interface LocalCarrier {
  /** JSON Schemas of the list of arguments, by activity type, where they are known. Default: those of the handler's definitions. */
  readonly inputSchemas?: ReadonlyMap<string, JsonObject> | undefined;
  /** Runs one task and says what became of it. A rejection is taken as HTTP takes it: for 400, or for 502. */
  handle(envelope: unknown, options?: { readonly signal?: StopSignal | undefined }): Promise<InvocableResultEnvelope>;
}

export interface HandlerDelivery {
  readonly clock: Clock;
  /** How long it may take. */
  readonly limit: TimeLimit;
  /** Calls the delivery off; the handler's own signal is aborted. */
  readonly signal: StopSignal;
}

/** Gives a task to a carrier of this process, and waits no longer than it may take. Never rejects. */
export function deliverToHandler(
  carrier: LocalCarrier,
  envelope: object,
  { clock, limit, signal }: HandlerDelivery,
): Promise<DeliveryAnswer | AbortedDelivery> {
  const timeout = { kind: "timeout", limit: limit.name } as const;
  if (signal.aborted) return Promise.resolve({ kind: "aborted" });
  if (limit.ms <= 0) return Promise.resolve({ ...timeout, afterMs: 0 });
  return new Promise((resolve) => {
    const gone = new CallOff();
    const settle = (answer: DeliveryAnswer | AbortedDelivery): void => {
      cancelTimer();
      signal.removeEventListener("abort", calledOff);
      resolve(answer);
    };
    const calledOff = (): void => {
      settle({ kind: "aborted" });
      gone.abort(undefined);
    };
    const cancelTimer = clock.schedule(timerDelay(limit.ms), () => {
      settle({ ...timeout, afterMs: limit.ms });
      gone.abort(undefined);
    });
    signal.addEventListener("abort", calledOff, { once: true });
    // Whoever wrote it may throw, or answer, at once.
    const handled = async (): Promise<InvocableResultEnvelope> => carrier.handle(envelope, { signal: gone });
    handled().then(
      (result) => settle({ kind: "handled", result }),
      (error: unknown) => settle(rejected(error)),
    );
  });
}

/** What an endpoint would have answered. */
function rejected(error: unknown): HttpAnswer {
  const isUnreadable = isExternalTaskInputError(error);
  const text = isUnreadable ? error.message : "";
  const status = isUnreadable ? 400 : 502;
  return { kind: "http", status, body: { text, blobs: new Map() }, temporary: !isUnreadable };
}
