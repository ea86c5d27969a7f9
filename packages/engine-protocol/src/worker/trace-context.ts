import { fieldOf, isObject, textField } from "../fields.js";

/** How servers pass trace context on with a task: `{schema, version, carrier: {traceparent, tracestate, baggage}}`. */
export const TRACE_CONTEXT = { schema: "durable-workflow.trace-context", version: 1 } as const;

/** The most that a trace context may take, in bytes of UTF-8. */
export const TRACE_CONTEXT_BYTES = { whole: 4096, traceparent: 256, tracestate: 512 } as const;

/** W3C trace context, as headers have it. */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

const TRACEPARENT =
  /^(?!ff)(?:00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}|(?!00)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]*)?)$/;
const TRACESTATE_MEMBER = /^[a-z\d][\w*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MOST_TRACESTATE_MEMBERS = 32;

/** Reads the trace context of a task. It is not trusted: what is not valid is left out, and nothing else depends on it. */
export function readTraceContext(context: unknown): TraceContext {
  if (
    !isObject(context) ||
    context["schema"] !== TRACE_CONTEXT.schema ||
    context["version"] !== TRACE_CONTEXT.version
  ) {
    return {};
  }
  if (new TextEncoder().encode(JSON.stringify(context)).length > TRACE_CONTEXT_BYTES.whole) return {};
  const carrier = fieldOf(context, "carrier");
  const traceparent = textField(carrier, "traceparent");
  if (traceparent === undefined || traceparent.length > TRACE_CONTEXT_BYTES.traceparent) return {};
  if (!TRACEPARENT.test(traceparent)) return {};
  const tracestate = textField(carrier, "tracestate");
  return tracestate !== undefined && isTracestate(tracestate) ? { traceparent, tracestate } : { traceparent };
}

function isTracestate(text: string): boolean {
  if (text.length > TRACE_CONTEXT_BYTES.tracestate) return false;
  const members = text.split(",").map((member) => member.trim());
  return members.length <= MOST_TRACESTATE_MEMBERS && members.every((member) => TRACESTATE_MEMBER.test(member));
}
