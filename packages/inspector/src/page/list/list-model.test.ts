import { describe, expect, it } from "vitest";
import type { ActivityList, ActivityRow } from "../../api/index.js";
import { ListModel, PAGE } from "./list-model.js";

function row(key: number, version = 1, more: Partial<ActivityRow> = {}): ActivityRow {
  return {
    id: `a-${key}`,
    runId: `run-${key}`,
    key,
    version,
    type: "t",
    queue: "q",
    businessKey: null,
    status: "queued",
    closedReason: null,
    attempt: 0,
    maxAttempts: 1,
    startedAt: new Date(key).toISOString(),
    closedAt: null,
    next: null,
    worker: null,
    lastHeartbeatAt: null,
    progress: null,
    failure: null,
    ...more,
  };
}

/** An engine with so many activities, newest first. */
function page(total: number, cursor: string | undefined): ActivityList {
  const first = cursor === undefined ? total : Number(cursor);
  const rows = Array.from({ length: Math.min(PAGE, first) }, (_, index) => row(first - index));
  const left = first - rows.length;
  return { asOf: "2026-01-01T00:00:00Z", rows, cursor: left > 0 ? String(left) : null, scanned: rows.length };
}

function load(model: ListModel, total: number, from: number, to: number): number {
  let asked = 0;
  for (let want = model.wanted(from, to); want !== undefined; want = model.wanted(from, to)) {
    model.take(want.page, want.cursor, page(total, want.cursor), from);
    asked++;
  }
  return asked;
}

describe("a list of any length", () => {
  it("100,000 rows are gone through with 2,000 of them here, and back again", () => {
    const model = new ListModel();
    const total = 100_000;
    for (let from = 0; from < total; from += 150) {
      load(model, total, from, from + 50);
      expect(model.at(from)?.key).toBe(total - from);
      expect(model.held).toBeLessThanOrEqual(2000 + PAGE);
    }
    load(model, total, total - 10, total + 10);
    expect([model.length, model.isComplete, model.hasBegun]).toEqual([total, true, true]);
    expect(model.at(0)).toBeUndefined();
    // Far down, what is new is still told apart from what was read before.
    model.apply([row(total + 1), row(total - 1)], () => true);
    expect(model.waitingCount).toBe(1);
    expect(load(model, total, 0, 50)).toBe(1);
    expect(model.at(0)?.key).toBe(total);
  });

  it("an empty list is asked for once", () => {
    const model = new ListModel();
    expect(load(model, 0, 0, 50)).toBe(1);
    expect([model.length, model.isComplete, model.wanted(0, 50)]).toEqual([0, true, undefined]);
  });

  it("a page without a match is gone over", () => {
    const model = new ListModel();
    model.take(0, undefined, { ...page(0, undefined), cursor: "150" }, 0);
    expect(model.wanted(0, 50)).toEqual({ page: 1, cursor: "150" });
    load(model, 150, 0, 50);
    expect([model.length, model.at(0)?.key]).toEqual([150, 150]);
  });

  it("takes newer versions alone, in whatever order they come", () => {
    const model = new ListModel();
    load(model, 3, 0, 50);
    const all = () => true;
    expect(model.apply([row(2, 5, { status: "succeeded" })], all)).toBe(true);
    expect(model.apply([row(2, 4, { status: "running" })], all)).toBe(false);
    expect(model.at(1)?.status).toBe("succeeded");
  });

  it("what is new waits, and is taken at the top; what lies further down is not new", () => {
    const model = new ListModel();
    load(model, 500, 0, 50);
    model.apply([row(501), row(502), row(100)], ({ key }) => key !== 502);
    expect([model.waitingCount, model.at(0)?.key]).toEqual([1, 500]);
    expect(model.prepend([row(503), row(501)])).toBe(true);
    expect([model.at(0)?.key, model.at(1)?.key, model.at(2)?.key, model.waitingCount]).toEqual([503, 501, 500, 0]);
    expect(model.prepend([row(502)])).toBe(false);
  });

  it("an hour of starts does not grow it: it is read anew", () => {
    const model = new ListModel();
    load(model, 200, 0, 50);
    let key = 200;
    while (model.prepend([row(++key)])) expect(model.held).toBeLessThan(700);
    expect(key).toBeLessThan(700);
  });

  it("an answer that came late, for a page that is another one now, is passed over", () => {
    const model = new ListModel();
    model.take(3, "x", page(10, undefined), 0);
    model.take(0, "x", page(10, undefined), 0);
    expect(model.hasBegun).toBe(false);
  });
});
