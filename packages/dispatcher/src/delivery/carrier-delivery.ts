import type { ActivityMapping } from "@durable-workflow/engine-protocol/executor-config";
import { activityTaskEnvelope, type EnvelopeExtras, type LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { bodyAround, type DeliveryBody, printDocument } from "../net/blob-bytes.js";
import type { Clock } from "../time/clock.js";
import type { AbortedDelivery, DeliveryAnswer } from "./answer.js";
import { type Credential, CredentialError, type CredentialStore } from "./credentials.js";
import type { Delivery } from "./deliverer.js";
import { deliverToHandler, type LocalCarrier } from "./handler-delivery.js";
import type { HttpDeliverer } from "./http-carrier.js";
import type { ProcessDeliverer } from "./process-carrier.js";
import { configuredTimeout, deadlineLeft, tightest } from "./timeouts.js";
import { newTraceparent } from "./trace.js";

export interface CarrierDeliveryDeps {
  readonly http: HttpDeliverer;
  readonly process: ProcessDeliverer;
  readonly credentials: CredentialStore;
  readonly clock: Clock;
  /** Carriers of this process, by their names in the config. */
  readonly handlers: ReadonlyMap<string, LocalCarrier>;
}

/** Delivers a task to the carrier of its mapping. Never rejects. */
export async function deliverTask(
  delivery: Omit<Delivery, "heartbeat">,
  mapping: ActivityMapping,
  { http, process, credentials, clock, handlers }: CarrierDeliveryDeps,
): Promise<DeliveryAnswer | AbortedDelivery> {
  const { task, engineNow, engineEstimate = engineNow, leaseLeft, payload, signal, onRetry } = delivery;
  const { responseLimitBytes, roomFor, onSecret, onUnreached, onBytesLeft } = delivery;
  const limit = () => tightest(configuredTimeout(mapping), deadlineLeft(task, engineNow()));
  const traceparent = newTraceparent();
  const extrasNow = (): EnvelopeExtras => {
    return { renewedBy: task.leaseOwner, sentAtMs: engineEstimate(), traceparent, mappedTo: mapping.handler };
  };
  const handler = handlers.get(mapping.carrier.name);
  if (handler !== undefined) {
    const args = payload && { codec: payload.codec, blob: payload.bytes.toString("latin1") };
    const whole = args === undefined ? task : { ...task, arguments: args };
    return deliverToHandler(handler, activityTaskEnvelope(whole, extrasNow()), { clock, limit: limit(), signal });
  }
  const body = (): DeliveryBody => {
    const extras = extrasNow();
    if (payload === undefined) {
      const printed = printDocument(activityTaskEnvelope(task, extras), task.arguments);
      return typeof printed === "string" ? printed : { chunks: [printed], bytes: printed.length };
    }
    const withBlob = (blob: string): LeasedTask => ({ ...task, arguments: { codec: payload.codec, blob } });
    return bodyAround(payload.bytes, (blob) => activityTaskEnvelope(withBlob(blob), extras));
  };
  const { carrier } = mapping;
  if (carrier.type === "process") {
    return process.deliver({ carrier, body: body(), limit: limit(), signal, outputLimitBytes: responseLimitBytes });
  }
  let credential: Credential;
  try {
    credential = await credentials.credentialFor(mapping);
  } catch (error) {
    const message = error instanceof CredentialError ? error.message : "the credential cannot be had";
    return { kind: "refused", code: "credential_unavailable", message };
  }
  return http.deliver({
    carrier,
    credential,
    idempotencyKey: task.attemptId,
    body,
    responseLimitBytes,
    roomFor,
    limit,
    hasRoom: (delayMs) =>
      delayMs < leaseLeft() && delayMs < (deadlineLeft(task, engineNow())?.ms ?? Number.POSITIVE_INFINITY),
    signal,
    onRetry,
    onUnreached,
    onBytesLeft,
    ...(onSecret === undefined ? {} : { onSecret }),
  });
}
