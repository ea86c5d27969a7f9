import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conformanceCases } from "../src/testing/conformance/cases.js";
import { type ConformanceObservation, checkConformance } from "../src/testing/conformance/check.js";
import type { ConformanceCase, ConformanceRequest } from "../src/testing/conformance/types.js";
import { openTransports, type Transport } from "./support/conformance-transports.js";

const TRANSPORTS = await openTransports();

/** Which cases a transport has no form for, and why. Everything else must hold everywhere. */
const KNOWN_DIFFERENCES: readonly {
  readonly transports: readonly string[];
  readonly differs: (request: ConformanceRequest, test: ConformanceCase) => boolean;
  readonly reason: string;
}[] = [
  {
    transports: ["handler", "handleInvocableHttpRequest", "Lambda, direct"],
    differs: ({ method }) => method !== undefined,
    reason: "it is called without an HTTP method",
  },
  {
    transports: ["handler", "handleInvocableHttpRequest", "Lambda, direct"],
    differs: ({ headers }) => headers !== undefined,
    reason: "it is called without headers",
  },
  {
    transports: ["handler", "Lambda, direct"],
    differs: ({ body }) => body !== undefined,
    reason: "it is given a document that somebody else has parsed",
  },
  {
    transports: TRANSPORTS.map(({ name }) => name),
    differs: (_, { id }) => id === "values/double-echoed",
    reason: "JavaScript has one kind of number: 7.0 reaches a handler as 7, and returns as a long",
  },
];

function differenceOf(transport: Transport, test: ConformanceCase): string | undefined {
  const request = test.request({ now: Date.now() });
  return KNOWN_DIFFERENCES.find(
    ({ transports, differs }) => transports.includes(transport.name) && differs(request, test),
  )?.reason;
}

const observations = new Map<string, readonly ConformanceObservation[]>();

/** Quick cases one after the other, so that none waits for another; then those that take time, all at once. */
async function observeAll(): Promise<void> {
  const pairs = TRANSPORTS.flatMap((transport) => conformanceCases.map((test) => ({ transport, test }))).filter(
    ({ transport, test }) => differenceOf(transport, test) === undefined,
  );
  for (const { transport, test } of pairs) if (test.takesMs === undefined) await observe(transport, test);
  const slow = pairs.filter(({ test }) => test.takesMs !== undefined);
  await Promise.all(slow.map(({ transport, test }) => observe(transport, test)));
}

async function observe(transport: Transport, test: ConformanceCase): Promise<void> {
  const request = test.request({ now: Date.now() });
  const answers: ConformanceObservation[] = [];
  for (let delivery = 0; delivery < (test.deliveries ?? 1); delivery++) {
    const started = performance.now();
    const answer = await transport.send(request);
    answers.push({ request, ...answer, elapsedMs: performance.now() - started });
  }
  observations.set(keyOf(transport, test), answers);
}

function keyOf(transport: Transport, test: ConformanceCase): string {
  return `${transport.name}: ${test.id}`;
}

beforeAll(observeAll, 60_000);

afterAll(async () => {
  await Promise.all(TRANSPORTS.map(async (transport) => transport.close?.()));
});

describe.each(TRANSPORTS)("$name", (transport) => {
  it.each(conformanceCases)("$id ($requirement)", (test) => {
    const reason = differenceOf(transport, test);
    const answers = observations.get(keyOf(transport, test));
    if (reason !== undefined) {
      expect(answers, `left out: ${reason}`).toBeUndefined();
      return;
    }
    expect(answers).toHaveLength(test.deliveries ?? 1);
    for (const answer of answers ?? []) expect(checkConformance(test, answer), test.contract).toEqual([]);
  });
});

describe("the table", () => {
  it("has cases of unique ids, each with the contract it checks", () => {
    expect(new Set(conformanceCases.map(({ id }) => id)).size).toBe(conformanceCases.length);
    expect(conformanceCases.length).toBeGreaterThanOrEqual(45);
    for (const { id, contract } of conformanceCases) {
      expect(id).toMatch(/^[a-z]+(\/[a-z0-9_.-]+)+$/);
      expect(contract).toMatch(/\.$/);
    }
  });

  it("sends what may be a carrier's end after everything else", () => {
    const hostile = conformanceCases.map((test) => test.hostile === true);
    expect(hostile.filter(Boolean).length).toBeGreaterThanOrEqual(2);
    expect(hostile).toEqual(hostile.toSorted((left, right) => Number(left) - Number(right)));
  });

  it.each(["failure/no-message", "failure/details", "cancellation/reported"])(
    "recommends only what the contract leaves open: %s",
    (id) => {
      expect(conformanceCases.find((test) => test.id === id)?.requirement).toBe("recommended");
    },
  );

  it.each(KNOWN_DIFFERENCES)("differs in a few cases: $reason", ({ transports, differs }) => {
    const names = TRANSPORTS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...transports]));
    const left = conformanceCases.filter((test) => differs(test.request({ now: Date.now() }), test));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(conformanceCases.length / 10);
  });
});
