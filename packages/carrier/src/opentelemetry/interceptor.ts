import {
  type Attributes,
  type Counter,
  context as contexts,
  diag,
  type Exception,
  type Histogram,
  INVALID_SPAN_CONTEXT,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { ActivityInfo } from "../activity/context.js";
import type { ActivityInterceptor } from "../activity/definition/interceptor.js";
import type { ActivityOutcome } from "../activity/outcome.js";
import { readThrown, thrownMessage } from "../activity/thrown.js";
import { BOOLEAN, knownOptions, type OptionNames } from "../protocol/options.js";
import { placeSpan, type SpanPlace } from "./trace-parent.js";

/** Options of `openTelemetryInterceptor`. */
export interface OpenTelemetryOptions {
  /** Default: the global one, as it is when a task runs. */
  readonly tracerProvider?: TracerProvider;
  /** Default: the global one, as it is when the first task runs. */
  readonly meterProvider?: MeterProvider;
  /**
   * Whether what handlers throw becomes an `exception` event of the span, with its message and stack. Default false:
   * messages may quote business data.
   */
  readonly recordExceptions?: boolean;
}

const OPTION_NAMES: OptionNames<OpenTelemetryOptions> = {
  tracerProvider: true,
  meterProvider: true,
  recordExceptions: BOOLEAN,
};

const SCOPE = "@durable-workflow/carrier";
const SYSTEM = { "messaging.system": "durable_workflow", "messaging.operation.name": "run" };
/** Seconds: from what a cache answers to what a lease lasts. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/**
 * Traces and measures every run of an activity.
 *
 * - A consumer span `run ACTIVITY_TYPE` for each task, active while the handler runs, with OpenTelemetry's messaging
 *   attributes and `durable_workflow.*` for the rest. Its parent is the `traceparent` of the task's headers, with a link to
 *   the span that is active already (an HTTP server's), which is the parent where the task has none. It ends when the task
 *   is answered, as an error unless that is with success; `error.type` is the failure's type.
 * - `messaging.process.duration`, a histogram in seconds, and `durable_workflow.activity.outcomes`, a counter, by activity
 *   type, task queue and outcome.
 *
 * ```ts
 * new InvocableActivityHandler(handlers, { interceptors: interceptWith(openTelemetryInterceptor()) });
 * ```
 *
 * It sets nothing up: without an SDK it costs next to nothing and records nothing. Arguments, results and messages go
 * nowhere. It does not see tasks that never reach an activity (see `ActivityInterceptor`). A span processor that throws
 * costs no task its outcome: that is told to OpenTelemetry's `diag`.
 */
export function openTelemetryInterceptor(given?: OpenTelemetryOptions): ActivityInterceptor {
  const options = knownOptions(given, OPTION_NAMES, "openTelemetryInterceptor");
  const { recordExceptions = false } = options;
  let instruments: Instruments | undefined;
  return (next) => async (context, args) => {
    const started = performance.now();
    const { info } = context;
    const tracer = (options.tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE);
    instruments ??= createInstruments(options.meterProvider ?? metrics.getMeterProvider());
    const place = placeSpan(context.headers);
    const span = startSpan(tracer, info, place);
    const { duration, outcomes } = instruments;
    context.outcome
      .then((outcome) => {
        const labels = metricAttributes(info, outcome);
        duration.record((performance.now() - started) / 1000, labels);
        outcomes.add(1, { ...labels, ...outcomeAttributes(outcome) });
        endSpan(span, outcome);
      })
      .catch(report);
    try {
      return await contexts.with(trace.setSpan(place.context, span), () => next(context, args));
    } catch (error) {
      if (recordExceptions) span.recordException(toException(error));
      throw error;
    }
  };
}

interface Instruments {
  readonly duration: Histogram;
  readonly outcomes: Counter;
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter(SCOPE);
  return {
    duration: meter.createHistogram("messaging.process.duration", {
      description: "How long it took until an activity task was answered.",
      unit: "s",
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
    outcomes: meter.createCounter("durable_workflow.activity.outcomes", {
      description: "Activity tasks by what they were answered with.",
      unit: "{task}",
    }),
  };
}

function spanAttributes(info: ActivityInfo): Attributes {
  return {
    ...SYSTEM,
    "messaging.operation.type": "process",
    "messaging.destination.name": info.taskQueue,
    "messaging.message.id": info.taskId,
    "messaging.message.conversation_id": info.workflowId,
    "durable_workflow.activity.type": info.activityType,
    "durable_workflow.activity.attempt": info.attempt,
    "durable_workflow.activity.attempt_id": info.attemptId,
    "durable_workflow.workflow.id": info.workflowId,
    "durable_workflow.workflow.run_id": info.runId,
    ...(info.executionId === undefined ? {} : { "durable_workflow.activity.execution_id": info.executionId }),
  };
}

function metricAttributes(info: ActivityInfo, outcome: ActivityOutcome): Attributes {
  return {
    ...SYSTEM,
    "messaging.destination.name": info.taskQueue,
    "durable_workflow.activity.type": info.activityType,
    ...errorType(outcome),
  };
}

/** `error.type` is there for failures only, as the conventions want it. */
function errorType(outcome: ActivityOutcome): Attributes {
  return outcome.status === "succeeded" ? {} : { "error.type": outcome.type ?? outcome.classification };
}

function outcomeAttributes(outcome: ActivityOutcome): Attributes {
  const status = { "durable_workflow.activity.outcome": outcome.status };
  if (outcome.status === "succeeded") return status;
  return {
    ...status,
    "durable_workflow.activity.classification": outcome.classification,
    "durable_workflow.activity.retryable": outcome.retryable,
  };
}

function startSpan(tracer: Tracer, info: ActivityInfo, { context, links }: SpanPlace): Span {
  try {
    const attributes = spanAttributes(info);
    return tracer.startSpan(`run ${info.activityType}`, { kind: SpanKind.CONSUMER, attributes, links }, context);
  } catch (error) {
    report(error);
    // What the handler traces itself still hangs together.
    return trace.wrapSpanContext(trace.getSpanContext(context) ?? INVALID_SPAN_CONTEXT);
  }
}

function report(error: unknown): void {
  try {
    diag.error(`A run could not be traced: ${thrownMessage(error)}`);
  } catch {
    // There is nobody left to tell.
  }
}

/** Of anything that can be thrown: what has no message gets one. */
function toException(error: unknown): Exception {
  const { message, type, stack } = readThrown(error, true);
  return { message, ...(type === null ? {} : { name: type }), ...(stack === null ? {} : { stack }) };
}

function endSpan(span: Span, outcome: ActivityOutcome): void {
  span.setAttributes({ ...outcomeAttributes(outcome), ...errorType(outcome) });
  if (outcome.status === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
