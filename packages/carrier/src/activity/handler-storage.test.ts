import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import { plainValues } from "../../test/support/avro-values.js";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { FakeClock } from "../../test/support/fake-clock.js";
import { type AvroValue, decodePayload, payloadEnvelope } from "../payload/index.js";
import type { InvocableResultEnvelope, PayloadEnvelope } from "../protocol/index.js";
import { parseExternalPayloadReference, serializeExternalPayloadReference } from "../protocol/payload-reference.js";
import {
  ExternalPayloadCache,
  type ExternalStorageDriver,
  type ExternalStorageDrivers,
  ExternalStorageError,
  type ExternalStorageOptions,
  externalStorage,
  fetchExternalPayload,
  storeExternalPayload,
} from "../storage/index.js";
import { LocalFilesystemExternalStorage } from "../storage/local.js";
import { recordingLogger } from "../testing/recording-logger.js";
import type { ActivityFunction } from "./definition/registry.js";
import { ActivityFailure, CallerDisconnected } from "./errors.js";
import { InvocableActivityHandler, type InvocableActivityHandlerOptions } from "./handler.js";
import { idempotent, MemoryIdempotencyStore } from "./idempotency/index.js";

const root = mkdtempSync(join(tmpdir(), "carrier-handler-storage-"));
const disk = new LocalFilesystemExternalStorage({ root });
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The arguments as an engine sends them that has put them into storage. */
async function storedArguments(args: readonly AvroValue[], expiresAt?: Date): Promise<PayloadEnvelope> {
  const reference = await storeExternalPayload(disk, payloadEnvelope(args).blob, { expiresAt });
  return { codec: "avro", external_storage: serializeExternalPayloadReference(reference) };
}

/** Where the disk has it. */
function fileOf(payload: PayloadEnvelope): string {
  return "external_storage" in payload ? fileURLToPath(String(payload.external_storage["uri"])) : "";
}

function taskWith(payload: PayloadEnvelope | null, id = "task-1") {
  return activityTaskEnvelope({ task: { id }, payloads: { arguments: payload } });
}

interface CarrierOptions extends Omit<InvocableActivityHandlerOptions, "externalStorage">, ExternalStorageOptions {
  readonly drivers?: ExternalStorageDrivers;
}

function carrier(
  activity: ActivityFunction,
  { drivers = disk, cache, thresholdBytes, ...options }: CarrierOptions = {},
) {
  return new InvocableActivityHandler(
    { "lamps.dim": activity },
    { externalStorage: externalStorage(drivers, { cache, thresholdBytes }), stackTraces: false, ...options },
  );
}

/** A payload, wherever it lies. */
async function valueIn(payload: PayloadEnvelope | null | undefined): Promise<AvroValue> {
  if (payload === null || payload === undefined || "blob" in payload) return decodePayload(payload);
  if (!("external_storage" in payload)) throw new Error("the engine keeps it");
  const blob = await fetchExternalPayload(disk, parseExternalPayloadReference(payload.external_storage));
  return decodePayload({ codec: payload.codec, blob });
}

function payloadOf(result: InvocableResultEnvelope): PayloadEnvelope | null | undefined {
  return "failure" in result ? result.failure.details : result.result?.payload;
}

const LONG = "x".repeat(300_000);

it("stored arguments hold as many values as inline ones may, and no more", async () => {
  const payload = await storedArguments([Array.from({ length: 500_000 }, () => [])]);
  const result = await carrier(() => 1).handle(taskWith(payload));
  expect(result).toMatchObject({ outcome: { retryable: false }, failure: { type: "PayloadDecodeFailure" } });
  const fits = await storedArguments([Array.from({ length: 400_000 }, () => [])]);
  expect(await carrier(() => 1).handle(taskWith(fits))).toMatchObject({ outcome: { status: "succeeded" } });
});

describe("arguments by reference", () => {
  it("are fetched, verified and decoded", async () => {
    const handler = carrier((...args) => args);
    const result = await handler.handle(taskWith(await storedArguments(["lamp-7", 3n, new Uint8Array([1])])));
    expect(await valueIn(payloadOf(result))).toEqual(["lamp-7", 3, new Uint8Array([1])]);
  });

  it("are fetched once by tasks that come at once, and then served from the cache", async () => {
    const get = vi.spyOn(disk, "get");
    const cache = new ExternalPayloadCache();
    const handler = carrier((text: string) => text.length, { cache });
    const payload = await storedArguments([LONG]);
    await Promise.all(["a", "b", "c"].map((id) => handler.handle(taskWith(payload, id))));
    await handler.handle(taskWith(payload, "d"));
    expect(get).toHaveBeenCalledTimes(1);
    expect([cache.hits, cache.misses]).toEqual([3, 1]);
    get.mockRestore();
  });

  const REFUSED = {
    kind: "unsupported_payload",
    classification: "unsupported_payload_reference",
    type: "UnsupportedPayloadReference",
  };
  const INTEGRITY = { kind: "decode_failure", classification: "decode_failure", type: "ExternalPayloadIntegrityError" };
  const REFERENCE = {
    schema: "durable-workflow.v2.external-payload-reference.v1",
    uri: "s3://bucket/avro/ab/abcd",
    sha256: "a".repeat(64),
    size_bytes: 1,
    codec: "avro",
  };

  it.each([
    ["a scheme without a driver", REFERENCE, "no_driver"],
    ["a place outside the root", { ...REFERENCE, uri: "file:///etc/passwd" }, "foreign_reference"],
    [
      "an expired reference",
      { ...REFERENCE, uri: `file://${root}/avro/aa/aa`, expires_at: "2000-01-01T00:00:00Z" },
      "expired_reference",
    ],
    ["no reference", { uri: "file:///x" }, "invalid_reference"],
    ["nothing", null, "invalid_reference"],
  ])("are refused for good: %s", async (_, reference, reason) => {
    const run = vi.fn<ActivityFunction>();
    const result = await carrier(run).handle(taskWith({ codec: "avro", external_storage: reference } as never));
    expect(result).toMatchObject({ outcome: { retryable: false }, failure: REFUSED });
    expect(await valueIn(payloadOf(result))).toMatchObject({ reason });
    expect(run).not.toHaveBeenCalled();
    expect(JSON.stringify(result)).not.toContain("passwd");
  });

  it.each([
    ["flipped", (text: string) => `${text.slice(0, -5)}AAAA${text.slice(-1)}`],
    ["dropped", (text: string) => text.slice(0, -1)],
    ["added", (text: string) => `${text}A`],
  ])("that were altered are a decode failure: a byte %s", async (_, alter) => {
    const payload = await storedArguments([`altered ${Math.random()}`]);
    const file = fileOf(payload);
    writeFileSync(file, alter(readFileSync(file, "utf8")));
    const result = await carrier(() => 1).handle(taskWith(payload));
    expect(result).toMatchObject({ outcome: { retryable: false }, failure: INTEGRITY });
  });

  it("that are gone, or whose storage fails, may be fetched by a later attempt", async () => {
    const payload = await storedArguments(["gone"]);
    rmSync(fileOf(payload));
    expect(await carrier(() => 1).handle(taskWith(payload))).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "application_error", type: "ExternalPayloadNotFound" },
    });
    const broken: ExternalStorageDriver = {
      scheme: "file",
      put: () => Promise.reject(new Error("down")),
      get: () => Promise.reject(new Error("token=s3cret")),
      delete: () => Promise.resolve(),
    };
    const result = await carrier(() => 1, { drivers: broken }).handle(taskWith(payload));
    expect(result).toMatchObject({ outcome: { retryable: true }, failure: { type: "ExternalStorageUnavailable" } });
    expect(JSON.stringify(result)).not.toContain("s3cret");
  });

  it("of another codec are refused as such", async () => {
    const result = await carrier(() => 1).handle(taskWith({ codec: "json", external_storage: REFERENCE }));
    expect(result).toMatchObject({ failure: { classification: "unsupported_payload_codec" } });
  });
});

describe("a result", () => {
  it.each([
    ["under the threshold", 100, 5000, "blob"],
    ["at the threshold", undefined, undefined, "blob"],
    ["over the threshold", 5000, 100, "external_storage"],
    ["of whatever size, at a threshold of 0", 1, 0, "external_storage"],
    ["of whatever size, at no threshold", 300_000, Number.POSITIVE_INFINITY, "blob"],
    ["over the default threshold", 300_000, undefined, "external_storage"],
  ])(
    "%s travels as it should",
    async (_, length = 100, threshold = payloadEnvelope("x".repeat(100)).blob.length, form) => {
      const value = "x".repeat(length);
      const options = _.includes("default") ? {} : { thresholdBytes: threshold };
      const result = await carrier(() => value, options).handle(taskWith(null));
      expect(Object.keys(payloadOf(result) ?? {})).toEqual(["codec", form]);
      expect(await valueIn(payloadOf(result))).toBe(value);
    },
  );

  it("whose upload fails is a failure to be retried, never lost and never inline", async () => {
    for (const [error, type] of [
      [new Error("token=s3cret"), "ExternalStorageUnavailable"],
      [new ExternalStorageError("access_denied", "The store says no."), "ExternalStorageAccessDenied"],
    ] as const) {
      const broken: ExternalStorageDriver = {
        scheme: "file",
        put: () => Promise.reject(error),
        get: vi.fn(),
        delete: vi.fn(),
      };
      const result = await carrier(() => LONG, { drivers: broken }).handle(taskWith(null));
      expect(result).toMatchObject({
        outcome: { status: "failed", retryable: true },
        failure: { classification: "application_error", type },
      });
      expect(JSON.stringify(result)).not.toContain("s3cret");
    }
  });

  it("is not warned of when it goes to storage, and is when it stays", async () => {
    const logger = recordingLogger();
    const huge = "x".repeat(1_700_000);
    await carrier(() => huge, { logger }).handle(taskWith(null));
    expect(logger.lines).toEqual([]);
    await carrier(() => huge, { logger, thresholdBytes: Number.POSITIVE_INFINITY }).handle(taskWith(null));
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { limit_bytes: 2_097_152 } }]);
  });
});

describe("a failure's details", () => {
  const fail = () => {
    throw new ActivityFailure("no", { retryable: false, details: { log: LONG } });
  };

  it("go to storage when they are large", async () => {
    const result = await carrier(fail).handle(taskWith(null));
    expect(result).toMatchObject({ failure: { message: "no", details: { codec: "avro", external_storage: {} } } });
    expect(await valueIn(payloadOf(result))).toEqual({ log: LONG });
  });

  it("are replaced by the reason when they cannot be stored: the failure itself stands", async () => {
    const broken: ExternalStorageDriver = {
      scheme: "file",
      put: () => Promise.reject(new Error("down")),
      get: vi.fn(),
      delete: vi.fn(),
    };
    const result = await carrier(fail, { drivers: broken }).handle(taskWith(null));
    expect(result).toMatchObject({ outcome: { retryable: false }, failure: { message: "no" } });
    expect(await valueIn(payloadOf(result))).toEqual({ details_lost: expect.stringContaining("storage") });
  });
});

describe("a storage call", () => {
  /** Never answers, whatever its signal says. */
  const stuck = (seen: AbortSignal[]): ExternalStorageDriver => {
    const wait = (_: unknown, { signal }: { signal?: AbortSignal | undefined }) => {
      seen.push(signal!);
      return new Promise<never>(() => {});
    };
    return { scheme: "file", put: wait, get: wait, delete: () => Promise.resolve() };
  };

  it.each([
    ["a fetch", (): unknown => 1, async () => storedArguments(["stuck"])],
    ["an upload", (): unknown => LONG, async () => null],
  ])("is ended by the task's deadline: %s", async (_, activity, payload) => {
    const clock = new FakeClock();
    const seen: AbortSignal[] = [];
    const handler = carrier(activity, { drivers: stuck(seen), clock });
    const result = handler.handle(taskWith(await payload()));
    await expect.poll(() => seen).toHaveLength(1);
    expect(seen[0]?.aborted).toBe(false);
    await clock.advance(10 * 60_000);
    expect(await result).toMatchObject({
      outcome: { retryable: true },
      failure: { classification: "deadline_exceeded" },
    });
    expect(seen[0]?.aborted).toBe(true);
    expect(clock.liveTimers).toBe(0);
  });

  it.each([
    ["by the task's deadline", (clock: FakeClock) => clock.advance(10 * 60_000)],
    [
      "when the caller goes away",
      async (_: FakeClock, caller: AbortController) => caller.abort(new CallerDisconnected()),
    ],
  ])("that brings away a failure's details is ended %s, and the failure stands", async (_, end) => {
    const clock = new FakeClock();
    const caller = new AbortController();
    const seen: AbortSignal[] = [];
    const fail = () => {
      throw new ActivityFailure("no", { retryable: false, details: LONG });
    };
    const handler = carrier(fail, { drivers: stuck(seen), clock });
    const result = handler.handle(taskWith(null), { signal: caller.signal });
    await expect.poll(() => seen).toHaveLength(1);
    await end(clock, caller);
    const ended = await result;
    expect(ended).toMatchObject({ outcome: { retryable: false }, failure: { message: "no" } });
    expect(await valueIn(payloadOf(ended))).toEqual({
      details_lost: expect.stringMatching(/passed at|closed the connection/),
    });
    expect(seen[0]?.aborted).toBe(true);
    expect(clock.liveTimers).toBe(0);
  });

  it("is ended when the caller goes away", async () => {
    const seen: AbortSignal[] = [];
    const caller = new AbortController();
    const handler = carrier(() => 1, { drivers: stuck(seen) });
    const result = handler.handle(taskWith(await storedArguments(["gone"])), { signal: caller.signal });
    await expect.poll(() => seen).toHaveLength(1);
    caller.abort(new CallerDisconnected());
    expect(await result).toMatchObject({ failure: { type: "CallerDisconnected" } });
  });
});

describe("with idempotency", () => {
  it("a large result is remembered as a reference", async () => {
    const records: string[] = [];
    const store = new MemoryIdempotencyStore();
    const complete = store.complete.bind(store);
    vi.spyOn(store, "complete").mockImplementation((key, completion) => {
      records.push(completion.record);
      return complete(key, completion);
    });
    const run = vi.fn((): string => LONG);
    const handler = carrier(run, { idempotency: idempotent({ store }) });
    const payload = await storedArguments(["once"]);
    const [first, second] = [
      await handler.handle(taskWith(payload, "a")),
      await handler.handle(taskWith(payload, "b")),
    ];
    expect(payloadOf(second)).toEqual(payloadOf(first));
    expect(await valueIn(payloadOf(second))).toBe(LONG);
    expect(run).toHaveBeenCalledTimes(1);
    expect(records[0]?.length).toBeLessThan(2000);
  });

  it("the same arguments are the same, inline or by reference", async () => {
    const run = vi.fn((): number => 1);
    const handler = carrier(run, { idempotency: idempotent({ store: new MemoryIdempotencyStore() }) });
    await handler.handle(taskWith(payloadEnvelope(["same"]), "a"));
    expect(await handler.handle(taskWith(await storedArguments(["same"]), "b"))).toMatchObject({
      outcome: { status: "succeeded" },
    });
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("a result that is late is stored all the same, and answers the next delivery", async () => {
    const clock = new FakeClock();
    let finish: (value: unknown) => void = () => {};
    const run = vi.fn(() => new Promise((resolve) => (finish = resolve)));
    const handler = carrier(run, { clock, idempotency: idempotent({ store: new MemoryIdempotencyStore({ clock }) }) });
    const first = handler.handle(taskWith(null, "a"));
    await expect.poll(() => run).toHaveBeenCalled();
    await clock.advance(10 * 60_000);
    expect(await first).toMatchObject({ failure: { classification: "deadline_exceeded" } });
    finish(LONG);
    const deadlines = { schedule_to_start: null, heartbeat: null };
    const second = await handler.handle({
      ...taskWith(null, "b"),
      deadlines: { ...taskWith(null).deadlines, ...deadlines },
    });
    expect(await valueIn(payloadOf(second))).toBe(LONG);
    expect(run).toHaveBeenCalledTimes(1);
  });
});

it("any value comes back as it is, whatever the threshold", async () => {
  await fc.assert(
    fc.asyncProperty(plainValues, fc.nat({ max: 400 }), async (value: AvroValue, thresholdBytes) => {
      const handler = carrier((given: AvroValue) => given, { thresholdBytes });
      const inline = await handler.handle(taskWith(payloadEnvelope([value])));
      const stored = await handler.handle(taskWith(await storedArguments([value])));
      const expected = decodePayload(payloadEnvelope(value));
      expect(await valueIn(payloadOf(inline))).toEqual(expected);
      expect(await valueIn(payloadOf(stored))).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

describe("the options", () => {
  it.each([
    ["externalStorage", { externalStorage: disk }],
    ["externalStorage", { drivers: [] }],
    ["thresholdBytes", { thresholdBytes: -1 }],
    ["cache", { cache: {} }],
  ])("are refused where they make no sense: %s", (name, options) => {
    expect(() => carrier(() => 1, options as never)).toThrow(TypeError);
    expect(() => carrier(() => 1, options as never)).toThrow(new RegExp(`^${name} `));
  });

  it("may name several drivers, chosen by scheme; results go to the first", async () => {
    const other = new LocalFilesystemExternalStorage({ root: join(root, "other") });
    const handler = carrier(() => LONG, { drivers: [other, disk] });
    const result = await handler.handle(taskWith(await storedArguments(["several"])));
    expect(await valueIn(payloadOf(result))).toBe(LONG);
    expect(readdirSync(join(root, "other"))).toEqual(["avro"]);
  });
});
