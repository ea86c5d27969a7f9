import { createHash } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../../../test/support/deferred.js";
import { FakeClock, settle } from "../../../test/support/fake-clock.js";
import { activityInfo, idempotentTask } from "../../../test/support/idempotent-task.js";
import { DONE } from "../../../test/support/keyed-tasks.js";
import { forbidUnhandledRejections } from "../../../test/support/unhandled-rejections.js";
import { payloadEnvelope } from "../../payload/index.js";
import { ActivityCancelled, ExternalTaskDeadlineExceeded, NonRetryableError } from "../errors.js";
import type { TaskOutcome } from "../run/failures.js";
import { aborted } from "../run/failures.js";
import { Idempotency } from "./idempotency.js";
import { MemoryIdempotencyStore } from "./memory-store.js";
import { idempotent } from "./once.js";
import { byExecution, type IdempotencyOptions, resolveIdempotencyOptions } from "./options.js";

forbidUnhandledRejections();

function carrier(options: Partial<IdempotencyOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryIdempotencyStore({ clock });
  return { clock, store, idempotency: new Idempotency(resolveIdempotencyOptions({ store, ...options }), clock) };
}

const execute = vi.fn<() => Promise<TaskOutcome>>(() => Promise.resolve(DONE));

afterEach(() => {
  execute.mockClear();
});

describe("a task", () => {
  it("runs once per key, and is answered again", async () => {
    const { idempotency } = carrier();
    expect(await idempotency.start(idempotentTask(execute))?.outcome).toBe(DONE);
    expect(await idempotency.start(idempotentTask(execute))?.outcome).toEqual(DONE);
    expect(execute).toHaveBeenCalledTimes(1);
  });

  it("is its key, its activity type and its arguments as sent, nothing else", async () => {
    const { idempotency } = carrier({ key: byExecution });
    await idempotency.start(idempotentTask(execute))?.outcome;
    const info = activityInfo({ taskId: "another", attempt: 3, attemptId: "c", idempotencyKey: "c", runId: "r" });
    expect(await idempotency.start(idempotentTask(execute, { info }))?.outcome).toEqual(DONE);

    const other = activityInfo({ activityType: "lamps.off" });
    const reused = { type: "IdempotencyKeyReused", retryable: false };
    expect(await idempotency.start(idempotentTask(execute, { info: other }))?.outcome).toMatchObject(reused);
    expect(await idempotency.start(idempotentTask(execute, { args: ["lamp-8", 3] }))?.outcome).toMatchObject(reused);
    expect(await idempotency.start(idempotentTask(execute, { payload: null }))?.outcome).toMatchObject(reused);
    expect(execute).toHaveBeenCalledTimes(1);
  });

  it("is the same with its arguments in external storage", async () => {
    const { idempotency } = carrier();
    await idempotency.start(idempotentTask(execute))?.outcome;
    const { blob } = payloadEnvelope(["lamp-7", 3]);
    const sha256 = createHash("sha256").update(blob).digest("hex");
    const payload = { codec: "avro", external_storage: { uri: "s3://bucket/key", sha256, size_bytes: blob.length } };
    expect(await idempotency.start(idempotentTask(execute, { payload }))?.outcome).toEqual(DONE);
  });

  it("rejects as its execution does", async () => {
    const { idempotency } = carrier();
    const run = idempotency.start(idempotentTask(() => Promise.reject(new Error("no way"))));
    await expect(run?.outcome).rejects.toThrow("no way");
  });
});

describe("the key", () => {
  it("is made of what is known of the task", async () => {
    const key = vi.fn<NonNullable<IdempotencyOptions["key"]>>(() => "lamp-7");
    const { idempotency, store } = carrier({ key });
    const task = idempotentTask(execute);
    await idempotency.start(task)?.outcome;
    expect(key).toHaveBeenCalledExactlyOnceWith(task.info, ["lamp-7", 3]);
    const claim = { owner: "a", fingerprint: "", leaseMs: 1000 };
    expect(await store.claim("lamp-7", claim)).toMatchObject({ state: "finished" });
  });

  it.each([[undefined], [""]])("may be %j: the task then is not this one's to run", (key) => {
    const { idempotency } = carrier({ key: () => key });
    expect(idempotency.start(idempotentTask(execute))).toBeUndefined();
    expect(execute).not.toHaveBeenCalled();
  });

  it.each([
    [null, "null"],
    [7, "7"],
    [Promise.resolve("k"), "an object"],
  ])("must not be %j", (key, received) => {
    const { idempotency } = carrier({ key: () => key as unknown as string });
    const message = `idempotency.key must return a string or undefined, it returned ${received}`;
    expect(() => idempotency.start(idempotentTask(execute))).toThrow(new TypeError(message));
  });

  it("may throw, as a handler may", () => {
    const error = new NonRetryableError("There is no order in the arguments.");
    const { idempotency } = carrier({
      key: () => {
        throw error;
      },
    });
    expect(() => idempotency.start(idempotentTask(execute))).toThrow(error);
  });
});

/** Two tasks of one key at once; the second waits. */
async function two() {
  const { idempotency } = carrier();
  const running = deferred<TaskOutcome>();
  const first = idempotency.start(idempotentTask(() => running.promise));
  await expect.poll(() => idempotency["coordinator"]["runs"].size).toBe(1);
  const ending = new AbortController();
  const second = idempotency.start(idempotentTask(execute, { signal: ending.signal }));
  await expect.poll(() => second?.waiting).toBe(true);
  return { first, second, ending, finish: running.resolve };
}

describe("a task that is ended from outside", () => {
  const deadline = new ExternalTaskDeadlineExceeded("deadlines.start_to_close", "2999-06-01T12:00:01Z", "just now");
  const passed = aborted(deadline, false);

  it("is told apart by whether it only waited", async () => {
    const { first, second, ending } = await two();
    ending.abort(deadline);
    expect(second?.whenEnded(passed)).toMatchObject({
      classification: "application_error",
      type: "IdempotencyInProgress",
      retryable: true,
    });
    expect(await second?.outcome).toMatchObject({ type: "IdempotencyInProgress" });
    expect(second?.waiting).toBe(true);
    expect([first?.waiting, first?.whenEnded(passed)]).toEqual([false, passed]);
  });

  it("answers a deadline of the caller's own like any other, and other reasons for themselves", async () => {
    const { second } = await two();
    expect(
      second?.whenEnded(aborted(AbortSignal.abort(new DOMException("", "TimeoutError")).reason, false)),
    ).toMatchObject({ type: "IdempotencyInProgress" });
    const cancelled = aborted(new ActivityCancelled(), false);
    expect(second?.whenEnded(cancelled)).toBe(cancelled);
  });

  it("no longer waits once it has its outcome", async () => {
    const { second, finish } = await two();
    finish(DONE);
    expect(await second?.outcome).toBe(DONE);
    expect([second?.waiting, second?.whenEnded(passed)]).toEqual([false, passed]);
    await settle();
  });
});

describe("making it", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("refuses options that make no sense", () => {
    expect(() => carrier({ leaseMs: 1 })).toThrow(TypeError);
  });

  it.each([[undefined], [{}], [{ subtle: {} }]])("needs WebCrypto, not %j", (crypto) => {
    vi.stubGlobal("crypto", crypto);
    const store = new MemoryIdempotencyStore();
    expect(() => idempotent({ store })).toThrow(
      new TypeError("idempotency needs WebCrypto: crypto.subtle is missing here"),
    );
  });
});
