import { MICROS_PER_SECOND, type Micros } from "../engine/model.js";
import type { FeedEvent } from "./feed.js";

/** What happened within one step. */
interface Step {
  /** Which step since the epoch; tells one of this hour from one of the hour before. */
  index: number;
  started: number;
  succeeded: number;
  failed: number;
  retried: number;
  /** How many attempts ran, and how many tasks waited, so long: by class, see {@link classOf}. */
  readonly ran: Uint32Array;
  readonly waited: Uint32Array;
}

export const STEP_SECONDS = 10;
const STEP = STEP_SECONDS * MICROS_PER_SECOND;
/** An hour. */
const STEPS = 360;
/** The first class ends at a millisecond, each other one at twice the one before: 2^23 ms are more than two hours. */
const CLASSES = 24;

export interface RecentSeries {
  /** Start of the first step. */
  readonly from: Micros;
  readonly knownSince: Micros;
  readonly started: readonly number[];
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  readonly retried: readonly number[];
  readonly ran: Quantiles;
  readonly waited: Quantiles;
}

/** In seconds; null where nothing was measured. */
export interface Quantiles {
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
}

/**
 * What the activities of each namespace have done within the last hour, in steps of ten seconds. Kept in memory, and of the
 * same size whatever happens: a few numbers for each event, and 80 kB for each namespace.
 */
export class Recent {
  private readonly steps = new Map<string, Step[]>();
  private readonly knownSince: Micros;

  constructor(now: Micros) {
    this.knownSince = now;
  }

  readonly record = ({ type, at, run, readySince }: FeedEvent): void => {
    if (type === "activity.heartbeat" || type === "activity.lease_expired") return;
    const step = this.stepOf(run.namespace, Math.floor(at / STEP));
    const { task, status } = run.state;
    switch (type) {
      case "activity.scheduled":
        step.started += 1;
        return;
      case "activity.started":
        if (readySince !== undefined) count(step.waited, at - readySince);
        return;
      case "activity.retry_scheduled":
        step.retried += 1;
        return;
      case "activity.closed":
        if (status === "completed") step.succeeded += 1;
        if (status === "failed") step.failed += 1;
        if (task.leasedAt !== null && (status === "completed" || status === "failed"))
          count(step.ran, at - task.leasedAt);
    }
  };

  series(namespace: string, now: Micros): RecentSeries {
    const last = Math.floor(now / STEP);
    const first = last - STEPS + 1;
    const kept = this.steps.get(namespace);
    const steps = Array.from({ length: STEPS }, (_, offset) => {
      const step = kept?.[(first + offset) % STEPS];
      return step?.index === first + offset ? step : undefined;
    });
    const numbers = (name: "started" | "succeeded" | "failed" | "retried"): readonly number[] =>
      steps.map((step) => step?.[name] ?? 0);
    const quantiles = (name: "ran" | "waited"): Quantiles => ({
      p50: steps.map((step) => quantile(step?.[name], 0.5)),
      p95: steps.map((step) => quantile(step?.[name], 0.95)),
    });
    return {
      from: first * STEP,
      knownSince: this.knownSince,
      started: numbers("started"),
      succeeded: numbers("succeeded"),
      failed: numbers("failed"),
      retried: numbers("retried"),
      ran: quantiles("ran"),
      waited: quantiles("waited"),
    };
  }

  private stepOf(namespace: string, index: number): Step {
    let steps = this.steps.get(namespace);
    if (steps === undefined) {
      steps = [];
      this.steps.set(namespace, steps);
    }
    const place = index % STEPS;
    let step = steps[place];
    if (step === undefined) {
      step = emptyStep(index);
      steps[place] = step;
    } else if (step.index !== index) {
      // An hour old; or, after the clock was set back, of a time to come, which is told again then.
      Object.assign(step, { index, started: 0, succeeded: 0, failed: 0, retried: 0 });
      step.ran.fill(0);
      step.waited.fill(0);
    }
    return step;
  }
}

function emptyStep(index: number): Step {
  return {
    index,
    started: 0,
    succeeded: 0,
    failed: 0,
    retried: 0,
    ran: new Uint32Array(CLASSES),
    waited: new Uint32Array(CLASSES),
  };
}

function count(classes: Uint32Array, duration: Micros): void {
  const at = classOf(duration);
  classes[at] = (classes[at] ?? 0) + 1;
}

function classOf(duration: Micros): number {
  const ms = Math.max(duration, 0) / 1000;
  return ms <= 1 ? 0 : Math.min(Math.ceil(Math.log2(ms)), CLASSES - 1);
}

/** The upper bound of the class that holds the quantile. */
function quantile(classes: Uint32Array | undefined, part: number): number | null {
  if (classes === undefined) return null;
  const total = classes.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  let seen = 0;
  const at = classes.findIndex((n) => (seen += n) >= total * part);
  return 2 ** at / 1000;
}
