import { context as contexts, diag, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.js";
import { runActivity } from "../../test/support/run-activity.js";
import { forbidUnhandledRejections } from "../../test/support/unhandled-rejections.js";
import { defineActivity } from "../activity/definition/define-activity.js";
import { interceptWith } from "../activity/definition/interceptor.js";
import type { ActivityHandler } from "../activity/definition/registry.js";
import { ActivityCancelled, NonRetryableError } from "../activity/errors.js";
import type { InvocableActivityHandlerOptions } from "../activity/handler.js";
import { type OpenTelemetryOptions, openTelemetryInterceptor } from "./interceptor.js";

const PARENT = { traceId: "11112222333344445555666677778888", spanId: "9999aaaabbbbcccc" };

/** Runs one activity under the real SDK. */
async function observed(
  activity: ActivityHandler,
  {
    headers,
    handler = {},
    processors = [],
    ...options
  }: OpenTelemetryOptions & {
    headers?: Readonly<Record<string, unknown>>;
    handler?: InvocableActivityHandlerOptions;
    processors?: SpanProcessor[];
  } = {},
) {
  const spanExporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(spanExporter), ...processors];
  const tracerProvider = new BasicTracerProvider({ spanProcessors });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const interceptors = interceptWith(openTelemetryInterceptor({ tracerProvider, meterProvider, ...options }));
  const result = await runActivity(
    activity,
    ["secret"],
    { ...handler, interceptors },
    headers === undefined ? {} : { headers },
  );
  const spans = spanExporter.getFinishedSpans();
  await reader.forceFlush();
  const collected = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
  await meterProvider.shutdown();
  return { result, span: spans[0]!, spans, metrics: collected.flatMap(({ metrics }) => metrics) };
}

beforeAll(() => {
  contexts.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  contexts.disable();
});

describe("the span of a run", () => {
  it("is a consumer's, child of the task's traceparent, with the field's attributes", async () => {
    const { span, spans } = await observed(() => 1);
    expect(spans).toHaveLength(1);
    expect(span).toMatchObject({ name: "run lamps.dim", kind: SpanKind.CONSUMER });
    expect(span.parentSpanContext).toMatchObject({ ...PARENT, isRemote: true });
    expect(span.spanContext().traceId).toBe(PARENT.traceId);
    expect(span.attributes).toEqual({
      "messaging.system": "durable_workflow",
      "messaging.operation.type": "process",
      "messaging.operation.name": "run",
      "messaging.destination.name": "lamps",
      "messaging.message.id": "task-lamp-7",
      "messaging.message.conversation_id": "evening-routine",
      "durable_workflow.activity.type": "lamps.dim",
      "durable_workflow.activity.attempt": 2,
      "durable_workflow.activity.attempt_id": "attempt-lamp-7-b",
      "durable_workflow.workflow.id": "evening-routine",
      "durable_workflow.workflow.run_id": "run-evening-1",
      "durable_workflow.activity.outcome": "succeeded",
    });
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });

  it("is active while the handler runs", async () => {
    let active: string | undefined;
    const { span } = await observed(async () => {
      await Promise.resolve();
      active = trace.getActiveSpan()?.spanContext().spanId;
    });
    expect(active).toBe(span.spanContext().spanId);
  });

  it.each([
    ["an error", () => Promise.reject(new RangeError("secret")), "RangeError", "application_error", true],
    [
      "a final failure",
      () => Promise.reject(new NonRetryableError("secret", { type: "Declined" })),
      "Declined",
      "application_error",
      false,
    ],
    ["a cancellation", () => Promise.reject(new ActivityCancelled()), "ActivityCancelled", "cancelled", false],
    ["a value that does not encode", () => Number.NaN, "ResultEncodeFailure", "decode_failure", false],
    ["what is no error", () => Promise.reject("secret"), "application_error", "application_error", true],
  ])("is an error's for %s, without what it says", async (_, activity, type, classification, retryable) => {
    const { span } = await observed(activity);
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(span.attributes).toMatchObject({
      "error.type": type,
      "durable_workflow.activity.outcome": "failed",
      "durable_workflow.activity.classification": classification,
      "durable_workflow.activity.retryable": retryable,
    });
    expect(span.events).toEqual([]);
    expect(JSON.stringify([span.attributes, span.events])).not.toContain("secret");
  });

  it("has an exception event where that is asked for", async () => {
    const { span } = await observed(() => Promise.reject(new RangeError("out of range")), { recordExceptions: true });
    expect(span.events).toEqual([expect.objectContaining({ name: "exception" })]);
    expect(span.events[0]?.attributes).toMatchObject({
      "exception.type": "RangeError",
      "exception.message": "out of range",
    });
  });

  it.each([
    ["an object that is not even one of Object", Object.create(null), "A value of type object was thrown without"],
    ["null", null, "A value of type null was thrown without"],
    ["a text", "out of range", "out of range"],
    [
      "an error whose message throws",
      Object.defineProperty(new Error("m"), "message", { get: () => expect.fail("read") }),
      "Error was thrown without a message",
    ],
  ])("has one of whatever is thrown: %s", async (_, thrown: unknown, message) => {
    const { result, span } = await observed(() => Promise.reject(thrown), { recordExceptions: true });
    expect(result).toMatchObject({ failure: { message: expect.stringContaining(message) } });
    expect(span.events[0]?.attributes?.["exception.message"]).toContain(message);
  });

  it("ends when the task is answered at its deadline, though the handler is not done", async () => {
    const clock = new FakeClock();
    const run = observed(() => new Promise(() => {}), { handler: { clock } });
    await clock.advance(3_600_000);
    const { span } = await run;
    expect(span.ended).toBe(true);
    expect(span.attributes).toMatchObject({ "error.type": "ExternalTaskDeadlineExceeded" });
  });

  it("names the execution where the caller sent it", async () => {
    const { span } = await observed(() => 1, { headers: { activity_execution_id: "execution-9" } });
    expect(span.attributes["durable_workflow.activity.execution_id"]).toBe("execution-9");
  });
});

describe("the parent", () => {
  const TRACEPARENT = `00-${PARENT.traceId}-${PARENT.spanId}-01`;

  it.each([
    ["no header", { traceparent: undefined }],
    ["an empty one", { traceparent: "" }],
    ["a number", { traceparent: 7 }],
    ["text", { traceparent: "trace me" }],
    ["the forbidden version", { traceparent: TRACEPARENT.replace("00-", "ff-") }],
    ["zeros for a trace", { traceparent: `00-${"0".repeat(32)}-${PARENT.spanId}-01` }],
    ["zeros for a span", { traceparent: `00-${PARENT.traceId}-${"0".repeat(16)}-01` }],
    ["upper case", { traceparent: TRACEPARENT.toUpperCase() }],
    ["one digit short", { traceparent: TRACEPARENT.replace("1111", "111") }],
  ])("is none for %s", async (_, headers) => {
    const { span } = await observed(() => 1, { headers });
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.spanContext().traceId).not.toBe(PARENT.traceId);
  });

  it.each([
    ["a version to come", { traceparent: `01-${PARENT.traceId}-${PARENT.spanId}-01-more` }],
    ["with a state", { traceparent: TRACEPARENT, tracestate: "vendor=1" }],
  ])("is read from %s", async (_, headers) => {
    const { span } = await observed(() => 1, { headers });
    expect(span.parentSpanContext).toMatchObject(PARENT);
  });

  it("keeps the sender's state, and its word on sampling", async () => {
    const headers = { traceparent: TRACEPARENT.replace(/01$/, "00"), tracestate: "vendor=1" };
    let seen;
    await observed(
      () => {
        seen = trace.getActiveSpan()?.spanContext();
      },
      { headers },
    );
    expect(seen).toMatchObject({ traceId: PARENT.traceId, traceFlags: 0 });
  });

  it("is found by the application's propagator, where there is one", async () => {
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    try {
      const { span } = await observed(() => 1, { headers: { traceparent: TRACEPARENT } });
      expect(span.parentSpanContext).toMatchObject(PARENT);
    } finally {
      propagation.disable();
    }
  });
});

describe("the span that is active already", () => {
  const http = new BasicTracerProvider().getTracer("http").startSpan("POST /");
  const within = (headers: Readonly<Record<string, unknown>>) =>
    contexts.with(trace.setSpan(contexts.active(), http), () => observed(() => 1, { headers }));

  it.each([
    ["no header", { traceparent: undefined }],
    ["a broken one", { traceparent: "trace me" }],
  ])("is the parent where the task has none: %s", async (_, headers) => {
    const { span } = await within(headers);
    expect(span.parentSpanContext).toMatchObject({ spanId: http.spanContext().spanId });
    expect(span.parentSpanContext?.isRemote).not.toBe(true);
    expect(span.spanContext().traceId).toBe(http.spanContext().traceId);
    expect(span.links).toEqual([]);
  });

  it.each([["by itself"], ["by the application's propagator"]])(
    "becomes a link where the task has one, which is found %s",
    async (how) => {
      if (how !== "by itself") propagation.setGlobalPropagator(new W3CTraceContextPropagator());
      try {
        const { span } = await within({ traceparent: `00-${PARENT.traceId}-${PARENT.spanId}-01` });
        expect(span.parentSpanContext).toMatchObject({ ...PARENT, isRemote: true });
        expect(span.links).toMatchObject([{ context: { spanId: http.spanContext().spanId } }]);
      } finally {
        propagation.disable();
      }
    },
  );

  it("is nothing to link to when it is invalid", async () => {
    const invalid = trace.wrapSpanContext({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 });
    const { span } = await contexts.with(trace.setSpan(contexts.active(), invalid), () => observed(() => 1));
    expect(span.parentSpanContext).toMatchObject(PARENT);
    expect(span.links).toEqual([]);
  });
});

describe("a span processor that throws", () => {
  forbidUnhandledRejections();
  const error = vi.fn<(message: string) => void>();
  afterEach(() => {
    diag.disable();
    error.mockReset();
  });

  it.each(["onStart", "onEnd"] as const)("%s: costs no task its outcome, and no process its life", async (method) => {
    const nothing = () => Promise.resolve();
    const broken: SpanProcessor = {
      onStart: () => {},
      onEnd: () => {},
      forceFlush: nothing,
      shutdown: nothing,
      [method]: () => {
        throw new Error("no exporter");
      },
    };
    error.mockImplementation(() => {
      throw new Error("no console");
    });
    diag.setLogger({ error, warn: () => {}, info: () => {}, debug: () => {}, verbose: () => {} });
    let active: string | undefined;
    const activity = () => {
      active = trace.getActiveSpan()?.spanContext().traceId;
    };
    const { result, metrics } = await observed(activity, { processors: [broken] });
    expect(result).toMatchObject({ outcome: { status: "succeeded" } });
    expect(metrics).toHaveLength(2);
    expect(active).toBe(PARENT.traceId);
    expect(error).toHaveBeenCalledExactlyOnceWith("A run could not be traced: no exporter");
  });
});

describe("the metrics of a run", () => {
  const LABELS = {
    "messaging.system": "durable_workflow",
    "messaging.operation.name": "run",
    "messaging.destination.name": "lamps",
    "durable_workflow.activity.type": "lamps.dim",
  };

  it("measure how long it took, in seconds, and count its outcome", async () => {
    const { metrics } = await observed(() => 1);
    const byName = Object.fromEntries(metrics.map((metric) => [metric.descriptor.name, metric]));
    expect(byName["messaging.process.duration"]).toMatchObject({
      descriptor: { unit: "s" },
      dataPoints: [{ attributes: LABELS, value: { count: 1 } }],
    });
    expect(byName["durable_workflow.activity.outcomes"]).toMatchObject({
      descriptor: { unit: "{task}" },
      dataPoints: [{ attributes: { ...LABELS, "durable_workflow.activity.outcome": "succeeded" }, value: 1 }],
    });
  });

  it("tell failures apart by type, classification and whether they may be retried", async () => {
    const { metrics } = await observed(() => Promise.reject(new RangeError("no")));
    expect(metrics.find(({ descriptor }) => descriptor.name.endsWith("outcomes"))?.dataPoints).toMatchObject([
      {
        attributes: {
          ...LABELS,
          "error.type": "RangeError",
          "durable_workflow.activity.outcome": "failed",
          "durable_workflow.activity.classification": "application_error",
          "durable_workflow.activity.retryable": true,
        },
        value: 1,
      },
    ]);
  });
});

it("without an SDK activities run as ever", async () => {
  const activity = defineActivity({ run: () => 1 });
  expect(await runActivity(activity, [], { interceptors: interceptWith(openTelemetryInterceptor()) })).toMatchObject({
    outcome: { status: "succeeded" },
  });
});
