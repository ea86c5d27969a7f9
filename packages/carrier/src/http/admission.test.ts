import { describe, expect, it } from "vitest";
import { deferred } from "../../test/support/deferred.js";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { InvocableActivityHandler } from "../activity/index.js";
import { payloadEnvelope } from "../payload/index.js";
import { recordingLogger } from "../testing/recording-logger.js";
import { InvocableHttpEndpoint, type InvocableHttpOptions, type InvocableHttpRequest } from "./index.js";

const TASK = JSON.stringify(activityTaskEnvelope());
const SIZE = TASK.length;

function post(changes: Partial<InvocableHttpRequest> = {}): InvocableHttpRequest {
  return { method: "POST", headers: {}, body: () => Promise.resolve(TASK), ...changes };
}

/** An endpoint whose handler waits until it is let go. */
function waiting(options: InvocableHttpOptions) {
  const logger = recordingLogger();
  const gate = deferred<void>();
  const endpoint = new InvocableHttpEndpoint({ "lamps.dim": () => gate.promise }, { logger, ...options });
  return { endpoint, logger, letGo: () => gate.resolve() };
}

const OVERLOADED = {
  statusCode: 503,
  headers: { "content-type": "application/json", "retry-after": "1" },
  body: expect.stringContaining('"error":"overloaded"'),
};

describe("what an endpoint has at once", () => {
  it("is bounded in tasks, from the body's first byte to the answer", async () => {
    const { endpoint, logger, letGo } = waiting({ maxConcurrentTasks: 2 });
    const body = deferred<string>();
    const running = [endpoint.handle(post()), endpoint.handle(post({ body: () => body.promise }))];
    await Promise.resolve();
    expect(await endpoint.handle(post())).toMatchObject(OVERLOADED);
    expect(await endpoint.answer(TASK)).toMatchObject(OVERLOADED);
    body.resolve(TASK);
    letGo();
    expect((await Promise.all(running)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(await endpoint.handle(post())).toMatchObject({ statusCode: 200 });
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(2);
  });

  it("is bounded in bytes of bodies, counted as they come", async () => {
    const { endpoint, letGo } = waiting({ bodyLimitBytes: SIZE, maxConcurrentBodyBytes: SIZE + 100 });
    const said: boolean[] = [];
    const halfRead = deferred<void>();
    const first = endpoint.handle(
      post({
        async body(_limit, take) {
          said.push(take(SIZE - 10));
          await halfRead.promise;
          said.push(take(10));
          return TASK;
        },
      }),
    );
    await Promise.resolve();
    const second = await endpoint.handle(
      post({
        body(_limit, take) {
          said.push(take(100), take(11));
          return Promise.resolve(undefined);
        },
      }),
    );
    expect(second).toMatchObject(OVERLOADED);
    halfRead.resolve();
    letGo();
    expect(await first).toMatchObject({ statusCode: 200 });
    expect(said).toEqual([true, true, false, true]);
    expect(await endpoint.handle(post())).toMatchObject({ statusCode: 200 });
  });

  it("is known by the head, before a body is read", async () => {
    const { endpoint, letGo } = waiting({ bodyLimitBytes: SIZE, maxConcurrentBodyBytes: SIZE });
    const first = endpoint.handle(post());
    await new Promise(setImmediate);
    const body = () => Promise.reject(new Error("it was read"));
    const headers = { "content-length": String(SIZE) };
    expect(await endpoint.handle(post({ headers, body }))).toMatchObject(OVERLOADED);
    letGo();
    expect(await first).toMatchObject({ statusCode: 200 });
  });

  it("counts bodies of adapters that do not say how far they are", async () => {
    const { endpoint, letGo } = waiting({ bodyLimitBytes: SIZE, maxConcurrentBodyBytes: SIZE });
    const first = endpoint.handle(post());
    await new Promise(setImmediate);
    expect(await endpoint.handle(post())).toMatchObject(OVERLOADED);
    letGo();
    await first;
  });

  it("is given back whatever becomes of a request", async () => {
    const endpoint = new InvocableHttpEndpoint(
      {},
      { maxConcurrentTasks: 1, bodyLimitBytes: SIZE, maxConcurrentBodyBytes: SIZE },
    );
    const bodies: readonly InvocableHttpRequest["body"][] = [
      () => Promise.reject(new Error("gone")),
      () => Promise.resolve("no JSON"),
      () => Promise.resolve(`${TASK} `),
      (_limit, take) => Promise.resolve(take(SIZE + 1) ? TASK : undefined),
      (_limit, take) => Promise.resolve(take(SIZE) ? TASK : undefined),
    ];
    const seen: number[] = [];
    for (const body of [...bodies, ...bodies]) seen.push((await endpoint.handle(post({ body }))).statusCode);
    expect(seen.slice(5)).toEqual(seen.slice(0, 5));
    expect(seen.slice(0, 5)).toEqual([500, 400, 413, 503, 200]);
  });

  it.each([
    [{ maxConcurrentTasks: 0 }],
    [{ maxConcurrentBodyBytes: 1.5 }],
    [{ bodyLimitBytes: 100, maxConcurrentBodyBytes: 99 }],
    [{ maxConcurrentTask: 5 }],
    [{ auth: undefined }],
    [{ auth: { token: undefined } }],
  ])("cannot be %j", (options) => {
    expect(() => new InvocableHttpEndpoint({}, options as InvocableHttpOptions)).toThrow(TypeError);
  });
});

describe("the arguments of all tasks at once", () => {
  const bodyOf = (value: unknown): string =>
    JSON.stringify(activityTaskEnvelope({ payloads: { arguments: payloadEnvelope([value]) } }));
  /** With the list of arguments, and the places in the two: 13 and a half values. */
  const TEN_MAPS = bodyOf(Array.from({ length: 10 }, () => ({})));

  it("are bounded in what they take of memory", async () => {
    const { endpoint, logger, letGo } = waiting({ maxArgumentValues: 30 });
    const running = [endpoint.answer(TEN_MAPS), endpoint.answer(TEN_MAPS)];
    await new Promise((resolve) => setTimeout(resolve));
    expect(await endpoint.answer(TEN_MAPS)).toMatchObject(OVERLOADED);
    letGo();
    expect((await Promise.all(running)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(await endpoint.answer(TEN_MAPS)).toMatchObject({ statusCode: 200 });
    expect(logger.lines.map(({ fields }) => fields)).toEqual([{ limit: "maxArgumentValues", refusals: 1 }]);
  });

  it("count nulls and short texts too, though less", async () => {
    for (const item of [null, "ab"]) {
      const { endpoint, letGo } = waiting({ maxArgumentValues: 200 });
      const body = bodyOf(Array.from({ length: 1000 }, () => item));
      const first = endpoint.answer(body);
      await new Promise((resolve) => setTimeout(resolve));
      expect(await endpoint.answer(body)).toMatchObject(OVERLOADED);
      letGo();
      expect(await first).toMatchObject({ statusCode: 200 });
    }
  });

  it("that no process has room for are refused for good", async () => {
    const { endpoint } = waiting({ maxArgumentValues: 5 });
    expect((await endpoint.answer(TEN_MAPS)).json()).toMatchObject({ failure: { type: "PayloadDecodeFailure" } });
  });

  it("without an endpoint are a failure to be retried", async () => {
    const gate = deferred<void>();
    const handler = new InvocableActivityHandler({ "lamps.dim": () => gate.promise }, { maxArgumentValues: 20 });
    const first = handler.handle(JSON.parse(TEN_MAPS));
    await Promise.resolve();
    const refused = await handler.handle(JSON.parse(TEN_MAPS));
    expect(refused).toMatchObject({ outcome: { retryable: true }, failure: { type: "CarrierOverloaded" } });
    gate.resolve();
    expect(await first).toMatchObject({ outcome: { status: "succeeded" } });
  });
});

it("a body counts by what is parsed from it", async () => {
  const { endpoint, letGo } = waiting({ maxConcurrentBodyBytes: 200_000, bodyLimitBytes: 150_000 });
  const body = JSON.stringify({ ...activityTaskEnvelope(), headers: { x: Array.from({ length: 2000 }, () => 1) } });
  expect(body.length).toBeLessThan(6000);
  const first = endpoint.answer(body);
  await new Promise((resolve) => setTimeout(resolve));
  expect(await endpoint.answer(body)).toMatchObject(OVERLOADED);
  letGo();
  expect(await first).toMatchObject({ statusCode: 200 });
});
