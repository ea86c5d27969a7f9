import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { listen } from "@durable-workflow/test-support/loopback";
import { envelopeOf, uploaded } from "@durable-workflow/test-support/payloads";
import { afterEach, expect, it } from "vitest";
import { awsSigV4 } from "../src/authorizers.js";
import { refusalOfAws } from "./support/aws-wall.js";
import { WORKER_TOKEN } from "./support/engine-under-test.js";
import { RealEngine } from "./support/real-engine.js";
import { oneCarrier, startDispatcher } from "./support/running.js";

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const wall = {
  accessKeyId: "AKIDLAMPS",
  secretAccessKey: "aws-s3cret",
  region: "eu-central-1",
  service: "lambda",
};
const text = "läm p".repeat(600_000);

/** A carrier behind a wall that signs all of what it got again, and lets through what has the same signature. */
async function startWalledCarrier(seen: unknown[]): Promise<string> {
  const carrier = nodeInvocableActivityHandler({
    measure: (given: string) => [given.length, given === text] as const,
  });
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const refusal = await refusalOfAws(wall, request, body.toString());
      seen.push({ bytes: body.length, refusal });
      if (refusal !== undefined) response.writeHead(403).end();
      else carrier(Object.assign(request, { rawBody: body }), response);
    });
  });
  const listening = await listen(server);
  closing.push(() => listening.close());
  return listening.url;
}

it.each([
  ["what it signs is what arrives, byte for byte", wall.secretAccessKey, "completed"],
  ["another's signature over it is refused", "another", "failed"],
] as const)("arguments of megabytes go through an authorizer: %s", async (_, secretAccessKey, status) => {
  const engine = new RealEngine({});
  await engine.start();
  closing.push(() => engine.stop());
  const seen: { readonly bytes: number; readonly refusal?: string }[] = [];
  const url = await startWalledCarrier(seen);
  const config = oneCarrier(url, ["measure"]);
  const environment = { AWS_ACCESS_KEY_ID: wall.accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const running = await startDispatcher(engine, {
    config: {
      ...config,
      auth_refs: { wall: { type: "env", env: "NEVER_READ" } },
      defaults: { task_queue: "lamps", auth_ref: "wall" },
    },
    authorizers: { wall: awsSigV4({ region: wall.region, environment }) },
  });
  closing.push(() => running.dispatcher.drain());
  const reference = await uploaded(engine.url, encodeAvroValue([text]), { token: WORKER_TOKEN });
  const activity = await engine.schedule({ type: "measure", arguments: envelopeOf(reference), maxAttempts: 1 });
  await engine.untilStatus(activity, status);
  expect(seen.every(({ bytes }) => bytes > 4_000_000)).toBe(true);
  if (status === "completed") expect(seen).toEqual([{ bytes: seen[0]?.bytes, refusal: undefined }]);
  else expect(seen.map(({ refusal }) => refusal?.split(" ")[0])).toEqual(["signature", "signature"]);
});
