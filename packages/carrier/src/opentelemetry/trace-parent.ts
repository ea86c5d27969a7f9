import {
  type Context,
  createTraceState,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";

/** W3C Trace Context, version 00 and those to come, of which the first four fields are read. */
const TRACE_PARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/**
 * The context that a task's headers carry: what the application's propagators make of them, and where they find no
 * parent, as when none is set up, W3C's `traceparent` and `tracestate`.
 */
export function parentContext(headers: Readonly<Record<string, unknown>>): Context {
  const carrier = Object.fromEntries(Object.entries(headers).filter(([, value]) => typeof value === "string"));
  const extracted = propagation.extract(ROOT_CONTEXT, carrier);
  if (trace.getSpanContext(extracted) !== undefined) return extracted;
  const parent = readTraceParent(headers);
  return parent === undefined ? extracted : trace.setSpanContext(extracted, parent);
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
