import { fieldOf, isObject } from "@durable-workflow/engine-protocol";
import type { AttemptIdentity, BatchedReport, CompleteBody, FailBody } from "@durable-workflow/engine-protocol/worker";
import { LARGE_BLOB_BYTES } from "../net/blob-bytes.js";
import type { Clock } from "../time/clock.js";
import { type ReportOutcome, readReportOutcome } from "./outcomes.js";
import { type EngineAnswer, readRetryAfter, replyOf } from "./reply.js";
import type { BatchLimits } from "./task-batches.js";

/** An outcome on its way to the engine. */
export interface OutgoingReport {
  readonly task: AttemptIdentity;
  readonly status: "completed" | "failed";
  readonly body: CompleteBody | FailBody;
}

export interface ReportBatchesOptions {
  readonly clock: Clock;
  /** How much the engine takes in one request; undefined where it takes reports one by one. */
  readonly limits: () => BatchLimits | undefined;
  /** Sends one by its own route. */
  readonly sendAlone: (report: OutgoingReport) => Promise<ReportOutcome>;
  /** Sends several. @param body the JSON of all of them */
  readonly sendTogether: (namespace: string, body: string) => Promise<EngineAnswer>;
  /** Takes credentials out of what an error answer says. */
  readonly scrub: (text: string) => string;
}

interface Waiting {
  readonly report: OutgoingReport;
  readonly settle: (outcome: ReportOutcome | Promise<ReportOutcome>) => void;
}

/** The reports of a namespace. */
interface Lane {
  readonly namespace: string;
  waiting: Waiting[];
  readonly underWay: Set<Promise<void>>;
  isScheduled: boolean;
  /** Takes back the timer of the longest wait. */
  cancelTimer: (() => void) | undefined;
}

/** While so many requests are under way, what becomes ready waits for one of them, and goes with all that has come by then. */
const MOST_UNDER_WAY = 2;
/** A second one is for so many: fewer wait for the first, and go with all that have become ready by then. */
const ENOUGH = 4;
/** It waits no longer than this: a request that hangs must not hold up the outcomes of others. */
const LONGEST_WAIT_MS = 20;
/** An engine behind which somebody does not know the route is told outcomes one by one for so long. */
const OFF_MS = 60_000;
/** What stands around the reports of a body. */
const AROUND_BYTES = 16;
/** Statuses of a whole request that say nothing about one of its reports: their meaning is the same for each. */
const ABOUT_NO_REPORT: ReadonlySet<number> = new Set([401, 429]);

/**
 * Tells an engine several outcomes in one request, where it takes that. An outcome goes at once while nothing is under way, or
 * with three others while one request is; otherwise with all that become ready until an answer comes. Each gets its own answer:
 * where the request as a whole was refused, each is sent by itself; where nothing is known of it, each has that as its own
 * outcome, and is repeated alone, so that one which an engine cannot stand takes no other with it.
 */
export class ReportBatches {
  private readonly options: ReportBatchesOptions;
  private readonly lanes = new Map<string, Lane>();
  /** Those that were in a request of which nothing is known. */
  private readonly alone = new WeakSet<AttemptIdentity>();
  private offUntil = Number.NEGATIVE_INFINITY;
  /** What something on the way takes, where that is less than the engine says. */
  private passingBytes = Number.POSITIVE_INFINITY;

  constructor(options: ReportBatchesOptions) {
    this.options = options;
  }

  /** Never rejects. */
  send(report: OutgoingReport): Promise<ReportOutcome> {
    const { sendAlone, clock, limits } = this.options;
    const { task, body } = report;
    const isLarge = blobLength(body) >= LARGE_BLOB_BYTES;
    const isOff = limits() === undefined || clock.monotonic() < this.offUntil;
    if (isOff || isLarge || this.alone.has(task)) return sendAlone(report);
    const lane = this.laneOf(task.namespace);
    return new Promise((settle) => {
      lane.waiting.push({ report, settle });
      this.schedule(lane);
    });
  }

  /** Resolves once all that is under way now has been answered; undefined where nothing is. */
  untilAnswered(namespace: string): Promise<unknown> | undefined {
    const underWay = this.lanes.get(namespace)?.underWay;
    return underWay === undefined || underWay.size === 0 ? undefined : Promise.all(underWay);
  }

  private laneOf(namespace: string): Lane {
    let lane = this.lanes.get(namespace);
    if (lane === undefined) {
      lane = { namespace, waiting: [], underWay: new Set(), isScheduled: false, cancelTimer: undefined };
      this.lanes.set(namespace, lane);
    }
    return lane;
  }

  private schedule(lane: Lane): void {
    if (lane.isScheduled || lane.waiting.length === 0) return;
    const enough = Math.min(ENOUGH, this.options.limits()?.reports ?? 1);
    if (lane.underWay.size >= (lane.waiting.length < enough ? 1 : MOST_UNDER_WAY)) {
      lane.cancelTimer ??= this.options.clock.schedule(LONGEST_WAIT_MS, () => {
        lane.cancelTimer = undefined;
        this.sendNext(lane);
      });
      return;
    }
    lane.isScheduled = true;
    // With what else becomes ready in this turn of the event loop.
    setImmediate(() => {
      lane.isScheduled = false;
      this.sendNext(lane);
    });
  }

  private sendNext(lane: Lane): void {
    lane.cancelTimer?.();
    lane.cancelTimer = undefined;
    const { batch, body } = this.takeFrom(lane);
    if (batch.length === 0) return;
    const answered: Promise<void> = this.sendBatch(lane.namespace, batch, body)
      // Nothing in there rejects; if something does after all, each still has an outcome.
      .catch(() => this.leaveOpen(batch, { kind: "broken", why: "not_json", status: null, retryAfterMs: undefined }))
      .finally(() => {
        lane.underWay.delete(answered);
        this.schedule(lane);
      });
    lane.underWay.add(answered);
    this.schedule(lane);
  }

  /** Those that go next, and the body of their request where they are several: one alone is printed for its own route. */
  private takeFrom(lane: Lane): { readonly batch: readonly Waiting[]; readonly body: string } {
    const { reports = 1, reportsBytes = 0 } = this.options.limits() ?? {};
    const most = Math.min(reportsBytes, this.passingBytes);
    const texts: string[] = [];
    if (lane.waiting.length > 1) {
      let bytes = AROUND_BYTES;
      for (const { report } of lane.waiting) {
        if (texts.length >= reports) break;
        const text = JSON.stringify({ task_id: report.task.taskId, ...report.body } satisfies BatchedReport);
        bytes += Buffer.byteLength(text) + 1;
        if (texts.length > 0 && bytes > most) break;
        texts.push(text);
      }
    }
    return { batch: lane.waiting.splice(0, Math.max(1, texts.length)), body: `{"reports":[${texts.join(",")}]}` };
  }

  private async sendBatch(namespace: string, batch: readonly Waiting[], body: string): Promise<void> {
    const { sendTogether } = this.options;
    if (batch.length === 1) {
      await this.sendEach(batch);
      return;
    }
    const answer = await sendTogether(namespace, body);
    const answers = this.answersOf(answer, batch.length);
    if (answers !== undefined) {
      for (const [index, { report, settle }] of batch.entries()) {
        settle(readReportOutcome(answers[index] ?? unreadable(answer), report.status));
      }
      return;
    }
    if (isRefusedAsAWhole(answer)) {
      if (answer.status === 413) this.passingBytes = Buffer.byteLength(body) / 2;
      if (answer.status === 404 || answer.status === 405) this.offUntil = this.options.clock.monotonic() + OFF_MS;
      await this.sendEach(batch);
      return;
    }
    const isWord = answer.kind === "reply" && answer.status >= 300;
    this.leaveOpen(batch, isWord ? answer : unreadable(answer));
  }

  /** Sends each by its own route. */
  private async sendEach(batch: readonly Waiting[]): Promise<void> {
    const { sendAlone } = this.options;
    await Promise.all(batch.map(({ report, settle }) => settled(sendAlone(report), settle)));
  }

  /** What came of them is not known. */
  private leaveOpen(batch: readonly Waiting[], answer: EngineAnswer): void {
    for (const { report, settle } of batch) {
      this.alone.add(report.task);
      settle(readReportOutcome(answer, report.status));
    }
  }

  /** What each was answered; undefined for an answer that is none to so many reports. */
  private answersOf(answer: EngineAnswer, count: number): readonly EngineAnswer[] | undefined {
    if (answer.kind !== "reply" || answer.status !== 200) return undefined;
    const { reports } = answer.body;
    if (!Array.isArray(reports) || reports.length !== count) return undefined;
    return reports.map((reply: unknown) => this.answerOf(reply) ?? unreadable(answer));
  }

  private answerOf(reply: unknown): EngineAnswer | undefined {
    const status = fieldOf(reply, "status");
    const body = fieldOf(reply, "body");
    if (!Number.isSafeInteger(status) || !isObject(body)) return undefined;
    const { scrub, clock } = this.options;
    const retryAfter = fieldOf(reply, "retry_after");
    const retryAfterMs = typeof retryAfter === "string" ? readRetryAfter(retryAfter, clock.now()) : undefined;
    const isError = (status as number) >= 300;
    const shown = isError ? scrubbed(body, scrub) : body;
    return isObject(shown) ? replyOf(status as number, shown, retryAfterMs) : undefined;
  }
}

/** Undefined where it is no JSON without its credentials: digits may be one. */
function scrubbed(body: object, scrub: (text: string) => string): unknown {
  try {
    return JSON.parse(scrub(JSON.stringify(body)));
  } catch {
    return undefined;
  }
}

/** The answer to one of several of which only the whole was answered, and not as it should be. */
function unreadable(answer: EngineAnswer): EngineAnswer {
  if (answer.kind === "broken") return answer;
  return { kind: "broken", why: "not_json", status: answer.status, retryAfterMs: answer.retryAfterMs };
}

/** Whether somebody, the engine or what is before it, does not take this request, and may take its reports one by one. */
function isRefusedAsAWhole({ status }: EngineAnswer): boolean {
  return status !== null && status >= 300 && status < 500 && !ABOUT_NO_REPORT.has(status);
}

function blobLength(body: CompleteBody | FailBody): number {
  const blob = fieldOf(fieldOf(body, "result"), "blob");
  return typeof blob === "string" ? blob.length : 0;
}

async function settled(sending: Promise<ReportOutcome>, settle: Waiting["settle"]): Promise<void> {
  settle(sending);
  await sending;
}
