import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ActivityCancelled, NonRetryableError } from "../src/activity/index.js";
import { handleInvocableHttpRequest, InvocableHttpEndpoint, type InvocableHttpResponse } from "../src/http/index.js";
import {
  externalTaskInputViolations,
  parseExternalTaskInput,
  parseExternalTaskResult,
  resultIsFor,
} from "../src/protocol/index.js";
import { seededRandom } from "./support/avro-wire.js";
import { FakeClock } from "./support/fake-clock.js";
import { angryProxy } from "./support/hostile.js";
import { type Mutation, mutateBytes, mutateFields, mutateStructure } from "./support/mutations.js";

/** Of each kind of mutation: together over 200,000. `FUZZ_COUNT` and `FUZZ_SEED` in the environment change them. */
const COUNT = Number(process.env["FUZZ_COUNT"] ?? 70_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_422);
/** Of processor time, as other processes may have most of the machine. Each takes some 4 s. */
const LONGEST_CPU_MS = 30_000;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const handlers = {
  echo: (...args: unknown[]) => args,
  "lamps.dim": (...args: unknown[]) => args.length,
  later: async (value: unknown) => value,
  fail: () => {
    throw new NonRetryableError("no", { details: { why: [1, 2] } });
  },
  reject: async () => {
    throw new TypeError("no");
  },
  cancel: () => {
    throw new ActivityCancelled();
  },
  unencodable: () => Symbol("x"),
  "throws-proxy": () => {
    throw angryProxy();
  },
};
const options = { clock: new FakeClock() };
const endpoint = new InvocableHttpEndpoint(handlers, options);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Body = ReturnType<Mutation>;

// Most answers are made of errors, whose traces cost more than all the rest, the more so as the test runner maps them.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 1;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe.each([
  ["bytes", mutateBytes, 0.2, 0.3],
  ["structure", mutateStructure, 0.2, 0.3],
  ["fields", mutateFields, 0.5, 0.1],
])("bodies with mutated %s", (name, mutate, fewestResults, fewestRefusals) => {
  it(
    "are answered with 400, or with a result of the task that was sent",
    async () => {
      const random = seededRandom(SEED + name.length);
      const statuses = new Map<number, number>();
      const failures: string[] = [];
      const end = cpuMs() + LONGEST_CPU_MS;
      let count = 0;
      for (; count < COUNT && failures.length < 5 && (count % 1000 > 0 || cpuMs() < end); count++) {
        const body = mutate(random);
        try {
          // The one-shot form makes an endpoint for each body, which takes its time.
          const response =
            count % 50 === 0 ? await handleInvocableHttpRequest(body, handlers, options) : await endpoint.answer(body);
          statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1);
          const complaint = complaintAbout(response, body);
          if (complaint !== undefined) failures.push(`${complaint}\n${describeBody(body)}`);
        } catch (error) {
          failures.push(`rejected: ${String(error)}\n${describeBody(body)}`);
        }
      }
      const shares = [...statuses].map(([status, times]) => `${status}: ${((100 * times) / count).toFixed(1)} %`);
      process.stdout.write(`${count} bodies with mutated ${name} (seed ${SEED}): ${shares.join(", ")}\n`);

      expect(failures).toEqual([]);
      expect(new Set(statuses.keys())).toEqual(new Set([200, 400]));
      expect(count, `within ${LONGEST_CPU_MS} ms of processor time`).toBe(COUNT);
      expect((statuses.get(200) ?? 0) / count).toBeGreaterThan(fewestResults);
      expect((statuses.get(400) ?? 0) / count).toBeGreaterThan(fewestRefusals);
    },
    20 * LONGEST_CPU_MS,
  );
});

/** What is wrong with an answer; undefined when it is right. */
function complaintAbout({ statusCode, body }: InvocableHttpResponse, sent: Body): string | undefined {
  const document = documentOf(sent);
  const isTask = document !== undefined && externalTaskInputViolations(document).length === 0;
  if (statusCode === 400) {
    if (isTask) return `refused a valid envelope: ${body}`;
    return body.startsWith('{"error":"invalid_invocable_request","message":"') ? undefined : `400 with ${body}`;
  }
  if (statusCode !== 200) return `status ${statusCode}`;
  if (!isTask) return "accepted an envelope that violates the contract";
  const result = parseExternalTaskResult(JSON.parse(body));
  const { kind, task } = parseExternalTaskInput(document);
  return resultIsFor(result, { ...task, kind }) ? undefined : `a result of another task: ${body}`;
}

/** The document in a body; undefined where there is none. */
function documentOf(body: Body): unknown {
  try {
    const text = body instanceof Uint8Array ? decoder.decode(body) : body;
    return typeof text === "string" ? JSON.parse(text) : text;
  } catch {
    return undefined;
  }
}

function describeBody(body: Body): string {
  if (body instanceof Uint8Array) return `bytes in base64: ${Buffer.from(body).toString("base64")}`;
  return typeof body === "string" ? `text: ${JSON.stringify(body)}` : `parsed: ${JSON.stringify(body)}`;
}
