import type { LeasedTask } from "@durable-workflow/engine-protocol/worker";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PayloadTransport, type Reference, refuseWith } from "../../test/support/payload-transport.js";
import { systemClock } from "../time/clock.js";
import { ByteBudget } from "./byte-budget.js";
import { type FetchOutcome, PayloadExchange } from "./exchange.js";
import { ArgumentFetcher, type ResolvedArguments } from "./fetching.js";
import { PayloadCache } from "./payload-cache.js";
import { PayloadPolicies } from "./policies.js";

const BLOB = Buffer.from("QUJD".repeat(50_000));

let server: PayloadTransport;
let exchange: PayloadExchange;
let fetcher: ArgumentFetcher;
let budget: ByteBudget;
let left: number;
let retries: string[];
const ending = (): AbortController => new AbortController();

beforeEach(async () => {
  server = new PayloadTransport();
  exchange = new PayloadExchange({
    serverUrl: await server.start(),
    tlsVerify: true,
    token: () => null,
    protocolVersion: () => "1.20",
    clock: systemClock,
    scrub: (text) => text,
  });
  budget = new ByteBudget(BLOB.length * 2);
  left = 60_000;
  retries = [];
  const policies = new PayloadPolicies({
    clock: systemClock,
    read: async () => {
      return {
        kind: "reply",
        status: 200,
        body: { namespace: server.namespaceInfo() },
        reason: null,
        message: "",
        retryAfterMs: undefined,
      };
    },
  });
  fetcher = new ArgumentFetcher({ exchange, policies, cache: new PayloadCache<FetchOutcome>(), budget });
});

afterEach(async () => {
  await exchange.close();
  await server.stop();
});

function resolve(args: object | null, signal: AbortSignal = ending().signal): Promise<ResolvedArguments> {
  const task = { namespace: "default", arguments: args } as unknown as LeasedTask;
  const onRetry = (why: string): void => {
    retries.push(why);
  };
  return fetcher.resolve(task, { clock: systemClock, left: () => left, signal, onRetry });
}

const by = (reference: Reference): object => ({ codec: "avro", external_payload: reference });

describe("arguments", () => {
  it.each([null, { codec: "avro", blob: "QUJD" }, { codec: "avro", external_storage: {} }])(
    "that are no reference of the engine's stay as they are: %j",
    async (args) => {
      expect(await resolve(args)).toEqual({ kind: "as_sent" });
      expect(server.calls).toEqual([]);
    },
  );

  it("are fetched once for all who need them, and then not again", async () => {
    const args = by(server.put(BLOB));
    const all = await Promise.all([resolve(args), resolve(args)]);
    for (const resolved of all) {
      if (resolved.kind !== "fetched") throw new Error(resolved.kind);
      expect([resolved.payload.codec, resolved.payload.bytes.equals(BLOB)]).toEqual(["avro", true]);
      resolved.held.release();
    }
    expect((await resolve(args)).kind).toBe("fetched");
    expect(server.calls.length).toBe(1);
  });

  it("wait for room, and give it back when they cannot be had", async () => {
    server.fault = (_, response) => refuseWith(response, 404, "external_payload_not_found");
    const all = [1, 2, 3, 4, 5].map(() => resolve(by(server.put(BLOB))));
    for (const resolved of await Promise.all(all))
      expect(resolved).toMatchObject({ reason: "external_payload_not_found" });
    expect([budget.bytes, budget.queued]).toEqual([0, 0]);
  });

  it("are asked for again while the lease lasts, and given up without a verdict after it", async () => {
    let tries = 0;
    server.fault = (_, response) =>
      ++tries < 3 && refuseWith(response, 503, "external_payload_unavailable", { retryable: true });
    expect((await resolve(by(server.put(BLOB)))).kind).toBe("fetched");
    expect(retries).toEqual(Array(2).fill("status 503: external_payload_unavailable"));

    server.fault = (_, response) => {
      left = -1;
      return refuseWith(response, 503, "external_payload_unavailable", { retryable: true });
    };
    expect(await resolve(by(server.put(Buffer.from("QUJDQUJD".repeat(20_000)))))).toEqual({ kind: "gone" });
    expect(budget.bytes).toBe(BLOB.length);
  });

  it("are given up at once when the lease ends, also while they wait for room or for an answer", async () => {
    server.fault = () => true;
    const end = ending();
    const args = by(server.put(BLOB));
    const waiting = [resolve(args, end.signal), resolve(args, end.signal), resolve(args, end.signal)];
    setTimeout(() => end.abort(), 50);
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(["gone", "gone", "gone"]);
    expect([budget.bytes, budget.queued]).toEqual([0, 0]);
  });

  it("over the engine's own limit are not even asked for", async () => {
    server.maxPayloadBytes = BLOB.length - 1;
    expect(await resolve(by(server.put(BLOB)))).toMatchObject({
      kind: "refused",
      reason: "external_payload_oversized",
    });
    expect(server.calls).toEqual([]);
  });

  it("are refused where the engine keeps payloads in a way that is not known", async () => {
    server.storage = { ...server.manifest(), threshold_bytes: 0 };
    const resolved = await resolve(by(server.put(BLOB)));
    expect(resolved).toMatchObject({ kind: "refused", reason: "external_payload_unsupported" });
    expect(JSON.stringify(resolved)).toContain("threshold_bytes must be an integer >= 1");
  });

  it.each<[string, (args: { codec: string; external_payload: Reference }) => object, string]>([
    [
      "another codec than the reference's",
      (args) => ({ ...args, codec: "json" }),
      "external_payload_integrity_mismatch",
    ],
    ["a third key", (args) => ({ ...args, blob: "QUJD" }), "external_payload_unsupported"],
    [
      "a sixth key in the reference",
      (args) => ({ ...args, external_payload: { ...args.external_payload, uri: "x" } }),
      "external_payload_unsupported",
    ],
    [
      "an id of another form",
      (args) => ({ ...args, external_payload: { ...args.external_payload, reference_id: "ep_../../../x" } }),
      "external_payload_unsupported",
    ],
  ])("with %s are refused", async (_, change, reason) => {
    const args = { codec: "avro", external_payload: server.put(BLOB) };
    expect(await resolve(change(args))).toMatchObject({ kind: "refused", reason });
    expect(server.calls).toEqual([]);
  });
});
