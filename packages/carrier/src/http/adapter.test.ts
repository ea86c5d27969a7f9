import { expect, it } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { createContextKey, defineActivity } from "../activity/index.js";
import { fetchInvocableActivityHandler } from "../adapters/fetch.js";
import { lambdaInvocableActivityHandler } from "../adapters/lambda.js";

const TASK = JSON.stringify(activityTaskEnvelope());

it("an activity finds what the platform called the carrier with, typed", async () => {
  interface Env {
    readonly REGION: string;
  }
  const late: Promise<unknown>[] = [];
  const ctx = { waitUntil: (promise: Promise<unknown>) => late.push(promise) };
  const worker = createContextKey<[request: Request, env: Env, ctx: typeof ctx] | undefined>(undefined);
  const seen: unknown[] = [];
  const dim = defineActivity({
    name: "lamps.dim",
    run: (context) => {
      const [request, env, { waitUntil }] = context.get(worker)!;
      waitUntil(Promise.resolve("later"));
      seen.push(new URL(request.url).pathname, env.REGION);
      context.set(worker, undefined);
      seen.push(context.get(worker));
    },
  });
  const carrier = fetchInvocableActivityHandler([dim], { platform: worker });
  for (const REGION of ["here", "there"]) {
    const request = new Request(`https://carrier.test/${REGION}`, { method: "POST", body: TASK });
    expect((await carrier(request, { REGION }, ctx)).status).toBe(200);
  }
  expect(seen).toEqual(["/here", "here", undefined, "/there", "there", undefined]);
  expect(await Promise.all(late)).toEqual(["later", "later"]);
});

it("an activity finds the event and the context of Lambda, of a bare envelope too", async () => {
  const aws = createContextKey<[event: unknown, context: unknown] | undefined>(undefined);
  const seen: unknown[] = [];
  const dim = defineActivity({ name: "lamps.dim", run: (context) => void seen.push(context.get(aws)) });
  const invoke = lambdaInvocableActivityHandler([dim], { platform: aws });
  const context = { awsRequestId: "1" };
  const events = [{ body: TASK, isBase64Encoded: false }, activityTaskEnvelope()];
  for (const event of events) await invoke(event, context as object);
  expect(seen).toEqual(events.map((event) => [event, context]));
});

it("without the option there is nothing to find", async () => {
  const key = createContextKey<unknown>("nothing");
  const seen: unknown[] = [];
  const dim = defineActivity({ name: "lamps.dim", run: (context) => void seen.push(context.get(key)) });
  await fetchInvocableActivityHandler([dim])(new Request("https://carrier.test/", { method: "POST", body: TASK }));
  expect(seen).toEqual(["nothing"]);
});

it.each([null, "worker", {}])("a key that createContextKey did not make is refused: %j", (platform) => {
  expect(() => fetchInvocableActivityHandler({}, { platform: platform as never })).toThrow(/^platform must be a key/);
});
