import { describe, expect, it } from "vitest";
import type { ActivityRow } from "../../api/index.js";
import {
  filterProblem,
  filterValue,
  isFiltered,
  listQuery,
  matches,
  NO_FILTER,
  readFilter,
  writeFilter,
} from "./filter.js";

const NOW = Date.UTC(2026, 5, 1, 12);

describe("the filter of the list", () => {
  it("comes back from the address as it went in", () => {
    const query = {
      status: "running,stalled",
      type: "a,b",
      queue: "q",
      id: "x/y",
      since: "1h",
      until: "2026-06-01T12:00:00Z",
    };
    expect(writeFilter(readFilter(query))).toEqual(query);
    expect(readFilter({})).toEqual(NO_FILTER);
    expect([isFiltered(NO_FILTER), isFiltered(readFilter(query))]).toEqual([false, true]);
  });

  it("words that are none are left out", () => {
    expect(readFilter({ status: "done,failed" }).status).toEqual(["failed"]);
  });

  it("spans count from the engine's clock", () => {
    expect(listQuery(readFilter({ since: "1h" }), NOW)).toEqual({ since: "2026-06-01T11:00:00.000Z" });
    expect(listQuery(readFilter({ since: "2026-06-01T11:00:00.5Z" }), NOW)).toEqual({
      since: "2026-06-01T11:00:00.500Z",
    });
  });

  it("a comma in a name does not part it", () => {
    const row = { id: "1", type: "a,b%2C", queue: "100%", status: "queued", startedAt: "" } as ActivityRow;
    expect(matches(readFilter({ type: filterValue("a,b%2C"), queue: "100%" }), row, NOW)).toBe(true);
    expect(matches(readFilter({ type: "a,b" }), row, NOW)).toBe(false);
  });

  it("what is no instant is told", () => {
    expect(filterProblem(readFilter({ since: "yesterday" }))).toMatch(/yesterday/);
    expect(filterProblem(readFilter({ since: "7d", until: "2026-06-01T11:00" }))).toBeUndefined();
  });

  it.each([
    [{}, true],
    [{ status: "running" }, true],
    [{ status: "failed" }, false],
    [{ type: "other,charge" }, true],
    [{ type: "charg" }, false],
    [{ type: filterValue("a,b%2C") }, false],
    [{ queue: "Pay" }, false],
    [{ id: "er/1" }, true],
    [{ id: "ER" }, false],
    [{ since: "1h" }, true],
    [{ since: "15m" }, false],
    [{ until: "2026-06-01T11:30:00Z" }, false],
    [{ until: "2026-06-01T11:30:01Z" }, true],
  ])("%j: %j", (query, expected) => {
    const row = {
      id: "order/1",
      type: "charge",
      queue: "pay",
      status: "running",
      startedAt: "2026-06-01T11:30:00.000000Z",
    } as ActivityRow;
    expect(matches(readFilter(query), row, NOW)).toBe(expected);
  });
});
