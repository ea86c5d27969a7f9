import { describe, expect, it } from "vitest";
import { readTraceContext } from "./trace-context.js";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const context = (carrier: unknown, more: object = {}): object => ({
  schema: "durable-workflow.trace-context",
  version: 1,
  carrier,
  ...more,
});

describe("the trace context of a task", () => {
  it.each([
    [{ traceparent }, { traceparent }],
    [{ traceparent, tracestate: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE" }, {}],
    [{ traceparent, baggage: "left=out" }, { traceparent }],
    [{ traceparent: `cc${traceparent.slice(2)}-what-a-later-version-adds` }, {}],
  ])("is read: %j", (carrier, expected) => {
    const { baggage: _, ...read } = carrier as Record<string, string>;
    expect(readTraceContext(context(carrier))).toEqual({ ...read, ...expected });
  });

  it.each([
    undefined,
    null,
    "00-",
    context(null),
    context({}),
    context({ traceparent: 7 }),
    context({ traceparent: `${traceparent}\r\nx: y` }),
    context({ traceparent: traceparent.toUpperCase() }),
    context({ traceparent: `ff${traceparent.slice(2)}` }),
    context({ traceparent: `${traceparent}-more` }),
    context({ traceparent: traceparent.replace(/-[\da-f]{32}-/, `-${"0".repeat(32)}-`) }),
    context({ traceparent: traceparent.replace(/-[\da-f]{16}-/, `-${"0".repeat(16)}-`) }),
    context({ traceparent: `cc${traceparent.slice(2)}-${"x".repeat(250)}` }),
    context({ traceparent }, { schema: "durable-workflow.queue-trace" }),
    context({ traceparent }, { version: 2 }),
    context({ traceparent, baggage: "x".repeat(4_100) }),
  ])("that is not valid is left out: %j", (given) => {
    expect(readTraceContext(given)).toEqual({});
  });

  it.each([
    "",
    "no value",
    "a=b,",
    "a=b\nc=d",
    "A=b",
    `a=${"x".repeat(257)}`,
    Array.from({ length: 33 }, (_, number) => `k${number}=v`).join(),
    `${"a=b,".repeat(130)}a=b`,
  ])("goes without a tracestate that is not valid: %j", (tracestate) => {
    expect(readTraceContext(context({ traceparent, tracestate }))).toEqual({ traceparent });
  });
});
