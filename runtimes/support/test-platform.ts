import { type ConformanceExpectation, checkConformance } from "@durable-workflow/carrier/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEFT, type RuntimeCase, type RuntimeExpectation, type RuntimeRequest, runtimeCases, TOKEN } from "../cases.js";
import { runtimeExceptions } from "../exceptions.js";
import type { Platform, RunningPlatform, RuntimeAnswer, RuntimeConnection, SentRequest } from "./platform.js";

const MEDIA_TYPE = "application/vnd.durable-workflow.external-task-input+json";
const START_MS = 180_000;

/** Runs the table through a platform. */
export function testPlatform(platform: Platform, cases: readonly RuntimeCase[] = runtimeCases): void {
  const { name, missing } = platform;
  if (missing !== undefined) {
    describe.skip(`${name} (left out: ${missing})`, () => defineCases(platform, cases));
    return;
  }
  describe(name, () => defineCases(platform, cases));
}

function defineCases(platform: Platform, cases: readonly RuntimeCase[]): void {
  let running: RunningPlatform;
  beforeAll(async () => {
    running = await platform.start();
  }, START_MS);
  afterAll(async () => {
    await running?.stop();
  });

  it.each(cases.map((each) => [each.id, each] as const))("%s", async (id, each) => {
    const exception = runtimeExceptions.find((one) => one.case === id && one.platforms.includes(platform.name));
    const differences = await runCase(running, platform, each);
    if (exception === undefined) return expect(differences).toEqual([]);
    expect(differences, `stale: ${platform.name} keeps what it was excused from`).not.toEqual([]);
    expect(await runCase(running, platform, each, exception.instead)).toEqual([]);
  });
}

/** What differs from what was promised. With `instead`, one step may be answered with that. */
async function runCase(
  running: RunningPlatform,
  platform: Platform,
  { steps }: RuntimeCase,
  instead?: RuntimeExpectation,
): Promise<readonly string[]> {
  const connection = running.connect();
  const others: RuntimeConnection[] = [];
  let excused = instead;
  const differences: string[] = [];
  try {
    for (const [index, { request, expect: expected, atOnce = 1 }] of steps.entries()) {
      const want = typeof expected === "function" ? expected(platform) : expected;
      const sent = request(platform);
      for (let count = 1; count < atOnce; count++) others.push(running.connect());
      const connections = atOnce === 1 ? [connection] : [connection, ...others];
      const isNext = index > 0 && steps[index - 1]?.expect !== LEFT;
      const found = (await Promise.all(connections.map((one) => deliver(one, sent, want, { index, isNext })))).flat();
      if (found.length > 0 && excused !== undefined) {
        const again = await deliver(connection, request(platform), excused, { index, isNext });
        excused = undefined;
        differences.push(...again);
      } else {
        differences.push(...found);
      }
    }
  } finally {
    for (const one of [connection, ...others]) one.close();
  }
  return differences;
}

async function deliver(
  connection: RuntimeConnection,
  request: RuntimeRequest,
  want: RuntimeExpectation,
  { index, isNext }: { readonly index: number; readonly isNext: boolean },
): Promise<readonly string[]> {
  const started = performance.now();
  let answer: RuntimeAnswer | undefined;
  try {
    answer = await connection.send(complete(request));
  } catch (error) {
    return [`step ${index + 1}: ${String(error)}`];
  }
  const elapsedMs = performance.now() - started;
  const say = (what: string, expected: unknown, received: unknown): string =>
    `step ${index + 1}: ${what} is ${String(received)}, and not ${String(expected)}`;
  if (want.outcome === "left") return answer === undefined ? [] : [say("the answer", "none", answer.body)];
  if (answer === undefined) return [say("the answer", "one", "none")];
  if (isNext && !answer.isReused) return [say("the connection", "the same", "another")];
  if (want.outcome === "health") {
    return answer.status === 200 && answer.body.includes('"status":"ok"') ? [] : [say("health", "ok", answer.body)];
  }
  const { status, headers, body } = answer;
  const checked = checkConformance(asCase(want), { request, status, headers, body, elapsedMs });
  return checked.map(({ what, expected, received }) => say(what, expected, received));
}

function asCase(expected: ConformanceExpectation) {
  return { id: "", requirement: "required", contract: "", request: () => ({}), expect: expected } as const;
}

function complete({ document, body, method = "POST", headers, anonymous, ...rest }: RuntimeRequest): SentRequest {
  const text = body ?? (document === undefined ? undefined : JSON.stringify(document));
  return {
    ...rest,
    method,
    headers: {
      "content-type": MEDIA_TYPE,
      ...(anonymous === true ? {} : { authorization: `Bearer ${TOKEN}` }),
      ...headers,
    },
    body: typeof text === "string" ? new TextEncoder().encode(text) : text,
  };
}
