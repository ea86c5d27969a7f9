import {
  type ActivityInterceptors,
  CarrierShutdown,
  InvocableActivityHandler,
  type InvocableResultEnvelope,
} from "@durable-workflow/carrier";
import { heartbeats } from "@durable-workflow/carrier/heartbeat";
import { inputSchemasOf } from "@durable-workflow/carrier/manifest";
import {
  type AbortedDelivery,
  CallOff,
  type Deliverer,
  type Delivery,
  type DeliveryAnswer,
  newTraceparent,
  type Route,
  type RouteRequest,
  type Routing,
  systemClock,
} from "@durable-workflow/dispatcher/leasing";
import { activityTaskEnvelope, type LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { AttemptHeartbeats } from "./attempt-heartbeats.js";
import { DeliverySignal } from "./delivery-signal.js";
import type { ActivityWorkerOptions } from "./options.js";
import { RunningHandlers } from "./running-handlers.js";
import { ThreadTurns } from "./thread-turns.js";

/** What events and health call the handlers of this process. */
export const IN_PROCESS = "in-process";

/** Gives tasks to handlers in this process: no HTTP, and no envelope is printed or parsed. */
export class InProcessDeliverer implements Deliverer, Routing {
  readonly running: RunningHandlers;
  readonly activityTypes: readonly string[];
  private readonly handler: InvocableActivityHandler;
  private readonly types: ReadonlySet<string>;
  private schemas: ReturnType<typeof inputSchemasOf> | undefined;
  private readonly heartbeats = new AttemptHeartbeats();
  private readonly stopping = new CallOff<CarrierShutdown>();
  private readonly only: Route = { carrier: IN_PROCESS, deliver: (delivery) => this.deliver(delivery) };

  /** @throws {TypeError} for bad activities and options */
  constructor(options: ActivityWorkerOptions) {
    const { activities, interceptors, stackTraces, idempotency, externalStorage } = options;
    const { logger, clock } = options;
    if (
      interceptors !== undefined &&
      typeof (interceptors as Partial<ActivityInterceptors> | null)?.["~around"] !== "function"
    ) {
      throw new TypeError("interceptors must be what interceptWith(...) makes");
    }
    this.running = new RunningHandlers(new ThreadTurns(clock ?? systemClock));
    this.handler = new InvocableActivityHandler(activities, {
      carrier: "typescript-worker",
      heartbeat: heartbeats({ sender: this.heartbeats }),
      interceptors: this.running.around(interceptors),
      stackTraces,
      idempotency,
      externalStorage,
      logger,
      clock,
    });
    this.activityTypes = this.handler.activityTypes;
    this.types = new Set(this.activityTypes);
    if (this.types.size === 0) throw new TypeError("activities must hold at least one activity");
  }

  get routing(): Routing {
    return this;
  }

  maps({ activityType }: LeasedTask): boolean {
    return this.types.has(activityType);
  }

  route(_request: RouteRequest): Route {
    return this.only;
  }

  async inputSchemas(): Promise<ReturnType<typeof inputSchemasOf>> {
    this.schemas ??= inputSchemasOf(this.handler);
    return this.schemas;
  }

  /** Tells handlers that the end is near. What they return still counts. */
  tellToStop(): void {
    this.stopping.abort(new CarrierShutdown());
  }

  private async deliver(delivery: Delivery): Promise<DeliveryAnswer | AbortedDelivery> {
    const { task, payload, engineNow, engineEstimate = engineNow, leaseLeft, signal, heartbeat } = delivery;
    const withBlob =
      payload === undefined
        ? task
        : { ...task, arguments: { codec: payload.codec, blob: payload.bytes.toString("latin1") } };
    const envelope = activityTaskEnvelope(withBlob, {
      renewedBy: task.leaseOwner,
      sentAtMs: engineEstimate(),
      traceparent: newTraceparent(),
    });
    const { run, values } = this.running.open({ activityType: task.activityType, leaseLeft });
    this.heartbeats.begin(task.attemptId, heartbeat);
    try {
      const { stopping } = this;
      const result = await this.handler.handle(envelope, { signal: new DeliverySignal(signal), stopping, values });
      if (signal.aborted) return { kind: "aborted" };
      return this.isOfShutdown(result) ? { kind: "aborted", isLeft: true } : { kind: "handled", result };
    } finally {
      run.answered();
      this.heartbeats.end(task.attemptId);
    }
  }

  /**
   * Whether a failure may have come of the shutdown: with one attempt, the default, it would be the activity's end. What must
   * not be retried is a failure of its own.
   */
  private isOfShutdown(result: InvocableResultEnvelope): boolean {
    return this.stopping.aborted && "failure" in result && result.outcome.retryable;
  }

  close(): Promise<void> {
    return this.handler.shutdown();
  }

  kill(): void {
    this.tellToStop();
  }
}
