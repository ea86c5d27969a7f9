import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import {
  checkConformance,
  type ConformanceCase,
  type ConformanceDifference,
  type ConformanceRequest,
} from "@durable-workflow/carrier/testing";
import { type Answer, exchange, NoAnswer } from "../net/exchange.js";

export interface ConformanceRun {
  readonly url: URL;
  readonly token: string | undefined;
  readonly cases: readonly ConformanceCase[];
  /** For one answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Differences that are known, by case id, and why they are accepted. */
  readonly accepted: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  /** Told of each case as it is done. */
  readonly onReport?: (report: CaseReport) => void;
}

export interface CaseReport {
  readonly id: string;
  readonly requirement: ConformanceCase["requirement"];
  readonly contract: string;
  /** `accepted`: it differs, as was known. */
  readonly status: "passed" | "failed" | "accepted";
  /** What differs; each once, however often the request was sent. */
  readonly differences: readonly ConformanceDifference[];
  /** Why the difference is accepted; null where it is not, or where there is none. */
  readonly reason: string | null;
  /** Of all its deliveries. */
  readonly durationMs: number;
}

/** How many of the slow cases wait at once. */
const SLOW_AT_ONCE = 16;

/**
 * Sends each case and reports on it, in the order of the table: the quick ones one after the other, so that none waits
 * for another, then those that take time by design together.
 *
 * @throws {NoAnswer} (as a rejection) when it was interrupted
 */
export async function runConformance(run: ConformanceRun): Promise<readonly CaseReport[]> {
  const reports = new Map<string, CaseReport>();
  const perform = async (test: ConformanceCase): Promise<void> => {
    const report = await runCase(test, run);
    reports.set(test.id, report);
    run.onReport?.(report);
  };
  for (const test of run.cases) if (test.takesMs === undefined) await perform(test);
  const slow = run.cases.filter(({ takesMs }) => takesMs !== undefined);
  const workers = Array.from({ length: SLOW_AT_ONCE }, async () => {
    for (let test = slow.shift(); test !== undefined; test = slow.shift()) await perform(test);
  });
  await Promise.all(workers);
  return run.cases.flatMap(({ id }) => reports.get(id) ?? []);
}

async function runCase(test: ConformanceCase, run: ConformanceRun): Promise<CaseReport> {
  const request = test.request({ now: Date.now(), token: run.token });
  const started = performance.now();
  const found: ConformanceDifference[] = [];
  for (let delivery = 0; delivery < (test.deliveries ?? 1); delivery++)
    found.push(...(await deliver(test, request, run)));
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

async function deliver(
  test: ConformanceCase,
  request: ConformanceRequest,
  run: ConformanceRun,
): Promise<readonly ConformanceDifference[]> {
  try {
    const answer = await sendRequest(request, run);
    return checkConformance(test, { request, ...answer });
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.why === "aborted") throw error;
    return [{ what: "answer", expected: "an answer", received: error.message }];
  }
}

/** @throws {NoAnswer} (as a rejection) */
export function sendRequest(
  { method = "POST", headers, document, body, anonymous }: ConformanceRequest,
  { url, token, timeoutMs, signal }: Pick<ConformanceRun, "url" | "token" | "timeoutMs" | "signal">,
): Promise<Answer> {
  return exchange(url, {
    method,
    headers: {
      "content-type": EXTERNAL_TASK_INPUT_MEDIA_TYPE,
      accept: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
      ...(token === undefined || anonymous === true ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body ?? (document === undefined ? undefined : JSON.stringify(document)),
    timeoutMs,
    signal,
  });
}

function distinct(differences: readonly ConformanceDifference[]): readonly ConformanceDifference[] {
  return [...new Map(differences.map((one) => [JSON.stringify(one), one])).values()];
}
