import {
  type Context,
  context as contexts,
  createTraceState,
  isSpanContextValid,
  type Link,
  propagation,
  type SpanContext,
  trace,
} from "@opentelemetry/api";

/** W3C Trace Context, version 00 and those to come, of which the first four fields are read. */
const TRACE_PARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/** Where a task's span belongs. */
export interface SpanPlace {
  /** The active context, with the span's parent in it. */
  readonly context: Context;
  readonly links: Link[];
}

/**
 * The parent is the one that a task's headers carry: what the application's propagators make of them, and where they find
 * none, as when none is set up, W3C's `traceparent` and `tracestate`. The span that is active meanwhile, such as an HTTP
 * server's, becomes a link then; where the headers carry none it is the parent.
 */
export function placeSpan(headers: Readonly<Record<string, unknown>>): SpanPlace {
  const active = contexts.active();
  const ambient = trace.getSpanContext(active);
  const carrier = Object.fromEntries(Object.entries(headers).filter(([, value]) => typeof value === "string"));
  const extracted = propagation.extract(trace.deleteSpan(active), carrier);
  const remote = trace.getSpanContext(extracted) ?? readTraceParent(headers);
  if (remote === undefined) {
    return { context: ambient === undefined ? extracted : trace.setSpanContext(extracted, ambient), links: [] };
  }
  const context = trace.setSpanContext(extracted, remote);
  return { context, links: ambient !== undefined && isSpanContextValid(ambient) ? [{ context: ambient }] : [] };
}

function readTraceParent({ traceparent, tracestate }: Readonly<Record<string, unknown>>): SpanContext | undefined {
  if (typeof traceparent !== "string") return undefined;
  const [, traceId = "", spanId = "", flags = ""] = TRACE_PARENT.exec(traceparent) ?? [];
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(typeof tracestate === "string" ? { traceState: createTraceState(tracestate) } : {}),
  };
  return isSpanContextValid(parent) ? parent : undefined;
}
