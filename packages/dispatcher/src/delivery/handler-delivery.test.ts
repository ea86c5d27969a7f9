import { ExternalTaskInputError, type InvocableResultEnvelope } from "@durable-workflow/carrier/protocol";
import { FakeClock } from "@durable-workflow/test-support/clock";
import { describe, expect, it } from "vitest";
import { CallOff, type StopSignal } from "../time/call-off.js";
import { deliverToHandler } from "./handler-delivery.js";

const ENVELOPE = { a: 1 };
const RESULT = { outcome: { status: "succeeded" } } as InvocableResultEnvelope;

function delivery(limitMs = 1_000) {
  const clock = new FakeClock();
  const signal = new CallOff();
  return { clock, signal, limit: { name: "start_to_close", ms: limitMs } };
}

/** A carrier that answers when it is told to, and remembers what it was given. */
function carrierOf() {
  const seen: { envelope?: unknown; signal?: StopSignal | undefined } = {};
  let settle: { resolve: (result: InvocableResultEnvelope) => void; reject: (error: unknown) => void };
  const answer = new Promise<InvocableResultEnvelope>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return {
    seen,
    handle: (envelope: unknown, options?: { readonly signal?: StopSignal | undefined }) => {
      Object.assign(seen, { envelope, signal: options?.signal });
      return answer;
    },
    answer: (result: InvocableResultEnvelope) => settle.resolve(result),
    fail: (error: unknown) => settle.reject(error),
  };
}

describe("deliverToHandler", () => {
  it("gives the envelope, and what was said", async () => {
    const carrier = carrierOf();
    const delivered = deliverToHandler(carrier, ENVELOPE, delivery());
    carrier.answer(RESULT);
    expect(await delivered).toEqual({ kind: "handled", result: RESULT });
    expect(carrier.seen).toMatchObject({ envelope: ENVELOPE, signal: { aborted: false } });
  });

  it("ends at its limit, and tells the handler", async () => {
    const carrier = carrierOf();
    const { clock, ...rest } = delivery(700);
    const delivered = deliverToHandler(carrier, ENVELOPE, { clock, ...rest });
    await clock.advance(700);
    expect(await delivered).toEqual({ kind: "timeout", limit: "start_to_close", afterMs: 700 });
    expect(carrier.seen.signal?.aborted).toBe(true);
    // Too late.
    carrier.answer(RESULT);
    carrier.fail(new Error("never seen"));
  });

  it("ends when it is called off, and tells the handler", async () => {
    const carrier = carrierOf();
    const { signal, ...rest } = delivery();
    const delivered = deliverToHandler(carrier, ENVELOPE, { signal, ...rest });
    signal.abort(undefined);
    expect(await delivered).toEqual({ kind: "aborted" });
    expect(carrier.seen.signal?.aborted).toBe(true);
  });

  it("begins with nothing that is over", async () => {
    const carrier = carrierOf();
    expect(await deliverToHandler(carrier, ENVELOPE, delivery(0))).toMatchObject({ kind: "timeout", afterMs: 0 });
    const { signal, ...rest } = delivery();
    signal.abort(undefined);
    expect(await deliverToHandler(carrier, ENVELOPE, { signal, ...rest })).toEqual({ kind: "aborted" });
    expect(carrier.seen).toEqual({});
  });

  it.each([
    [new ExternalTaskInputError({ path: "task.id", expected: "a string", received: "null" }), 400, /task\.id/],
    [new Error("its secret"), 502, /^$/],
  ])("takes a rejection as an endpoint would answer it: %s", async (error, status, text) => {
    const carrier = carrierOf();
    const delivered = deliverToHandler(carrier, ENVELOPE, delivery());
    carrier.fail(error);
    expect(await delivered).toMatchObject({
      kind: "http",
      status,
      temporary: status === 502,
      body: { text: expect.stringMatching(text) },
    });
  });

  it("takes what is thrown, and what is no promise, as what a promise comes to", async () => {
    const { clock, ...rest } = delivery();
    const throwing = {
      handle: (): Promise<InvocableResultEnvelope> => {
        throw new Error("at once");
      },
    };
    const thrown = await deliverToHandler(throwing, ENVELOPE, { clock, ...rest });
    expect(thrown).toMatchObject({ kind: "http", status: 502 });
    const plain = { handle: () => RESULT as unknown as Promise<InvocableResultEnvelope> };
    expect(await deliverToHandler(plain, ENVELOPE, { clock, ...rest })).toEqual({ kind: "handled", result: RESULT });
  });
});
