import {
  type ConformanceCase,
  type ConformanceDifference,
  type ConformanceRequest,
  checkConformance,
} from "@durable-workflow/carrier/testing";
import { NoAnswer } from "../net/exchange.js";
import { CarrierLife } from "./carrier-life.js";
import { type CarrierUnderTest, sendRequest } from "./send.js";

export interface ConformanceRun extends CarrierUnderTest {
  readonly cases: readonly ConformanceCase[];
  /** Differences that are known, by case id, and why they are accepted. */
  readonly accepted: ReadonlyMap<string, string>;
  /** Takes what is secret out of what the carrier said. */
  readonly scrub: (text: string) => string;
  /** Told of each case as it is done. */
  readonly onReport?: (report: CaseReport) => void;
}

export interface CaseReport {
  readonly id: string;
  readonly requirement: ConformanceCase["requirement"];
  readonly contract: string;
  /** `accepted`: it differs, as was known. `not_run`: the carrier was gone, so that nothing is known. */
  readonly status: "passed" | "failed" | "accepted" | "not_run";
  /** What differs; each once, however often the request was sent. */
  readonly differences: readonly ConformanceDifference[];
  /** Why the difference is accepted; null where it is not, or where there is none. */
  readonly reason: string | null;
  /** Of all its deliveries. */
  readonly durationMs: number;
}

export interface ConformanceOutcome {
  /** One for each case, in the order of the table. */
  readonly reports: readonly CaseReport[];
  /** The id of the case after which the carrier answered nothing any more; null for one that is still there. */
  readonly goneAfter: string | null;
}

/** How many of the slow cases wait at once. */
const SLOW_AT_ONCE = 16;

/**
 * Sends each case and reports on it: the quick ones one after the other, so that none waits for another, then those that
 * take time by design together, and at last, one by one, those that may be the carrier's end. From when the carrier is
 * gone on nothing is sent.
 *
 * @throws {NoAnswer} (as a rejection) when it was interrupted
 */
export async function runConformance(run: ConformanceRun): Promise<ConformanceOutcome> {
  const reports = new Map<string, CaseReport>();
  const life = new CarrierLife(run);
  const perform = async (test: ConformanceCase): Promise<void> => {
    const report = life.goneAfter === null ? await runCase(test, run, life) : notRun(test);
    reports.set(test.id, report);
    run.onReport?.(report);
  };
  const hostile = run.cases.filter((test) => test.hostile === true);
  const friendly = run.cases.filter((test) => test.hostile !== true);
  for (const test of friendly) if (test.takesMs === undefined) await perform(test);
  const slow = friendly.filter(({ takesMs }) => takesMs !== undefined);
  const workers = Array.from({ length: SLOW_AT_ONCE }, async () => {
    for (let test = slow.shift(); test !== undefined; test = slow.shift()) await perform(test);
  });
  await Promise.all(workers);
  for (const test of hostile) await perform(test);
  return { reports: run.cases.flatMap(({ id }) => reports.get(id) ?? []), goneAfter: life.goneAfter };
}

async function runCase(test: ConformanceCase, run: ConformanceRun, life: CarrierLife): Promise<CaseReport> {
  const request = test.request({ now: Date.now(), token: run.token });
  const started = performance.now();
  const found: ConformanceDifference[] = [];
  for (let delivery = 0; delivery < (test.deliveries ?? 1); delivery++) {
    const { differences, lost } = await deliver(test, request, run);
    // Of cases that were under way together, the one that is named is the first whose answer was missed.
    if (lost && (await life.isGoneAfter(test.id)) && life.goneAfter !== test.id) return notRun(test);
    found.push(...differences);
    if (life.goneAfter !== null) break;
  }
  const differences = distinct(found);
  const known = run.accepted.get(test.id);
  return {
    id: test.id,
    requirement: test.requirement,
    contract: test.contract,
    status: differences.length === 0 ? "passed" : known === undefined ? "failed" : "accepted",
    differences,
    reason: differences.length === 0 ? null : (known ?? null),
    durationMs: Math.round(performance.now() - started),
  };
}

function notRun({ id, requirement, contract }: ConformanceCase): CaseReport {
  return { id, requirement, contract, status: "not_run", differences: [], reason: null, durationMs: 0 };
}

interface Delivery {
  readonly differences: readonly ConformanceDifference[];
  /** Whether there was no answer at all. */
  readonly lost: boolean;
}

async function deliver(test: ConformanceCase, request: ConformanceRequest, run: ConformanceRun): Promise<Delivery> {
  try {
    const answer = await sendRequest(request, run);
    const differences = checkConformance(test, { request, ...answer }).map(({ what, expected, received }) => ({
      what,
      expected,
      received: run.scrub(received),
    }));
    return { differences, lost: false };
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.why === "aborted") throw error;
    return { differences: [{ what: "answer", expected: "an answer", received: error.message }], lost: true };
  }
}

function distinct(differences: readonly ConformanceDifference[]): readonly ConformanceDifference[] {
  return [...new Map(differences.map((one) => [JSON.stringify(one), one])).values()];
}
